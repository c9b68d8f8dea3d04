import type { SamplingParameters } from '@lowbit/runtime';
import * as z from 'zod';
import { RequestError } from '../errors.ts';
import type { RefusedField } from '../parse-fields.ts';
import { grammarRefused } from './grammar-refused.ts';
import * as fields from './sampling-fields.ts';

/** Fields that completions and chat completions share. */
export const openAiShape = {
  model: z.string().optional(),
  rid: z.string().min(1).max(256).optional(),
  n: fields.sampleCount.optional(),
  stream: z.boolean().optional(),
  stream_options: z.strictObject({ include_usage: z.boolean().nullish() }).optional(),
  temperature: fields.temperature.optional(),
  top_p: fields.topP.optional(),
  top_k: fields.topK.optional(),
  min_p: fields.minP.optional(),
  min_tokens: fields.tokenCount.optional(),
  presence_penalty: fields.presencePenalty.optional(),
  frequency_penalty: fields.frequencyPenalty.optional(),
  repetition_penalty: fields.repetitionPenalty.optional(),
  logit_bias: fields.logitBias.optional(),
  seed: z.int().optional(),
  stop: fields.stop.optional(),
  stop_token_ids: fields.stopTokenIds.optional(),
  ignore_eos: z.boolean().optional(),
  skip_special_tokens: z.boolean().optional(),
  no_stop_trim: z.boolean().optional(),
};

const shared = z.object(openAiShape);
type SharedFields = z.output<typeof shared>;

/** Fields of OpenAI, or of engines that speak its language, that would change the answer and are not there. */
export const openAiRefused: Readonly<Record<string, RefusedField>> = {
  json_schema: grammarRefused,
  regex: grammarRefused,
  ebnf: grammarRefused,
  structural_tag: grammarRefused,
  structured_outputs: grammarRefused,
  guided_json: grammarRefused,
  guided_regex: grammarRefused,
  guided_choice: grammarRefused,
  guided_grammar: grammarRefused,
  stop_regex: { reason: 'only fixed stop strings are supported; use stop' },
  include_stop_str_in_output: { reason: 'no such field; it is no_stop_trim here' },
  use_beam_search: { reason: 'beam search is not supported' },
  prompt_logprobs: { reason: 'not supported here; use echo with logprobs in /v1/completions, or /generate' },
  truncate_prompt_tokens: { reason: 'prompts are not cut; shorten the prompt' },
  return_hidden_states: { reason: 'hidden states are not supported' },
  lora_path: { reason: 'LoRA adapters are not supported' },
  custom_logit_processor: { reason: 'custom logit processors are not supported' },
  custom_params: { reason: 'custom logit processors are not supported' },
  session_params: { reason: 'sessions are not supported' },
  store: { reason: 'nothing is stored; leave it out' },
};

/** Fields that change nothing in the answer. */
export const openAiIgnored: readonly string[] = [
  'user',
  'metadata',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'priority',
  'extra_key',
  'cache_salt',
];

/** @throws RequestError where fields contradict each other */
export function checkSharedFields(body: SharedFields, maxTokens: number): void {
  if (body.stream_options !== undefined && !body.stream) {
    throw new RequestError({ message: 'stream_options: only allowed with stream: true', param: 'stream_options' });
  }
  if ((body.min_tokens ?? 0) > maxTokens) {
    const message = `min_tokens: expected at most max_tokens (${maxTokens}), found ${body.min_tokens}`;
    throw new RequestError({ message, param: 'min_tokens' });
  }
}

/** Sampling of continuation number `sample` of a prompt: with one seed, all would be the same. */
export function openAiSampling(body: SharedFields, maxTokens: number, sample: number): SamplingParameters {
  return {
    maxTokens,
    minTokens: body.min_tokens,
    temperature: body.temperature,
    topP: body.top_p,
    topK: body.top_k,
    minP: body.min_p,
    presencePenalty: body.presence_penalty,
    frequencyPenalty: body.frequency_penalty,
    repetitionPenalty: body.repetition_penalty,
    logitBias: body.logit_bias,
    seed: body.seed === undefined ? undefined : body.seed + sample,
    stop: body.stop,
    stopTokenIds: body.stop_token_ids,
    ignoreEos: body.ignore_eos,
    skipSpecialTokens: body.skip_special_tokens,
    keepStop: body.no_stop_trim,
  };
}
