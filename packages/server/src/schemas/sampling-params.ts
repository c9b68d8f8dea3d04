import type { SamplingParameters } from '@lowbit/runtime';
import * as z from 'zod';
import { RequestError } from '../errors.ts';
import { type FieldRules, parseFields } from '../parse-fields.ts';
import { grammarRefused } from './grammar-refused.ts';
import * as fields from './sampling-fields.ts';

const schema = z.object({
  max_new_tokens: fields.tokenCount.optional(),
  min_new_tokens: fields.tokenCount.optional(),
  temperature: fields.temperature.optional(),
  top_p: fields.topP.optional(),
  top_k: fields.topK.optional(),
  min_p: fields.minP.optional(),
  frequency_penalty: fields.frequencyPenalty.optional(),
  presence_penalty: fields.presencePenalty.optional(),
  repetition_penalty: fields.repetitionPenalty.optional(),
  stop: fields.stop.optional(),
  stop_token_ids: fields.stopTokenIds.optional(),
  ignore_eos: z.boolean().optional(),
  skip_special_tokens: z.boolean().optional(),
  no_stop_trim: z.boolean().optional(),
  n: fields.sampleCount.optional(),
  logit_bias: fields.logitBias.optional(),
  sampling_seed: z.int().optional(),
});

/** Names of the fields of `sampling_params`. */
export const samplingParamNames = Object.keys(schema.shape);

const rules: FieldRules<typeof schema> = {
  schema,
  known: samplingParamNames,
  refused: {
    json_schema: grammarRefused,
    regex: grammarRefused,
    ebnf: grammarRefused,
    structural_tag: grammarRefused,
    stop_regex: { reason: 'only fixed stop strings are supported; use stop' },
    beam_width: { reason: 'beam search is not supported', off: [1] },
    spaces_between_special_tokens: { reason: 'only the default, true, is supported', off: [true] },
    stream_interval: { reason: 'every token is streamed; leave it out', off: [1] },
    custom_params: { reason: 'custom logit processors are not supported' },
    max_tokens: { reason: 'no such field; it is max_new_tokens here' },
    min_tokens: { reason: 'no such field; it is min_new_tokens here' },
    seed: { reason: 'no such field; it is sampling_seed here' },
  },
  ignored: [],
  unknown: 'error',
};

export interface SamplingParams {
  readonly sampling: SamplingParameters;
  /** Continuations per prompt. */
  readonly n: number;
}

const defaultMaxTokens = 128;

/**
 * Reads a `sampling_params` object.
 * @param at where it stands, `sampling_params.` or `sampling_params[2].`
 * @throws RequestError
 */
export function parseSamplingParams(object: Readonly<Record<string, unknown>>, at: string): SamplingParams {
  const { value } = parseFields(rules, object, at);
  const most = value.max_new_tokens ?? defaultMaxTokens;
  if ((value.min_new_tokens ?? 0) > most) {
    const message = `${at}min_new_tokens: expected at most max_new_tokens (${most}), found ${value.min_new_tokens}`;
    throw new RequestError({ message, param: `${at}min_new_tokens` });
  }
  return {
    n: value.n ?? 1,
    sampling: {
      maxTokens: value.max_new_tokens,
      minTokens: value.min_new_tokens,
      temperature: value.temperature,
      topP: value.top_p,
      topK: value.top_k,
      minP: value.min_p,
      frequencyPenalty: value.frequency_penalty,
      presencePenalty: value.presence_penalty,
      repetitionPenalty: value.repetition_penalty,
      stop: value.stop,
      stopTokenIds: value.stop_token_ids,
      ignoreEos: value.ignore_eos,
      skipSpecialTokens: value.skip_special_tokens,
      keepStop: value.no_stop_trim,
      logitBias: value.logit_bias,
      seed: value.sampling_seed,
    },
  };
}
