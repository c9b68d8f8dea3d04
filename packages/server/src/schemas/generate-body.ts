import type { JsonObject } from '@lowbit/core';
import * as z from 'zod';
import { type FieldRules, type ParsedFields, parseFields, type RefusedField } from '../parse-fields.ts';
import { tokenId } from './sampling-fields.ts';
import { samplingParamNames } from './sampling-params.ts';

const oneOrList = <T extends z.ZodType>(one: T, what: string) =>
  z.union([one, z.array(one).min(1)], `expected ${what}, or a list with one per prompt`);

/** Ranking is done for every token; whole vocabularies of alternatives would stop all other requests. */
const maxTopLogprobs = 1024;

const samplingObject = z.record(z.string(), z.unknown());

const schema = z.object({
  text: z.union([z.string(), z.array(z.string()).min(1)], 'expected text or a list of texts').optional(),
  input_ids: z
    .union(
      [z.array(tokenId).min(1), z.array(z.array(tokenId).min(1)).min(1)],
      'expected a list of token ids, or a list of such lists, none of them empty',
    )
    .optional(),
  sampling_params: oneOrList(samplingObject, 'an object').optional(),
  rid: oneOrList(z.string().min(1).max(256), 'text').optional(),
  stream: z.boolean().optional(),
  return_logprob: oneOrList(z.boolean(), 'true or false').optional(),
  logprob_start_len: oneOrList(z.int().min(-1), 'a position, or -1').optional(),
  top_logprobs_num: oneOrList(
    z.int().min(0).max(maxTopLogprobs),
    `a number of tokens up to ${maxTopLogprobs}`,
  ).optional(),
  return_text_in_logprobs: z.boolean().optional(),
});

/** The body of `/generate`, checked, with the lists still as the client sent them. */
export type GenerateBody = z.output<typeof schema>;

const notSupported = (what: string): RefusedField => ({ reason: `${what} not supported` });
const media = notSupported('images, video and audio are');

const belongsInSamplingParams = Object.fromEntries(
  [...samplingParamNames, 'json_schema', 'regex', 'ebnf'].map((name) => [
    name,
    { reason: 'not a field of the request itself; put it inside sampling_params' },
  ]),
);

const rules: FieldRules<typeof schema> = {
  schema,
  known: Object.keys(schema.shape),
  refused: {
    ...belongsInSamplingParams,
    prompt: { reason: 'not a field of /generate; use text or input_ids, or POST /v1/completions' },
    messages: { reason: 'not a field of /generate; POST /v1/chat/completions' },
    input_embeds: notSupported('prompts as embeddings are'),
    image_data: media,
    video_data: media,
    audio_data: media,
    modalities: media,
    token_ids_logprob: { reason: 'log probabilities of chosen tokens are not supported; use top_logprobs_num' },
    return_hidden_states: notSupported('hidden states are'),
    return_prompt_token_ids: notSupported('it is'),
    return_entropy: notSupported('it is'),
    return_sampling_mask: notSupported('it is'),
    return_flat_raw_top_logprobs: { reason: 'not supported; use top_logprobs_num' },
    return_flat_raw_top_logprobs_b64: { reason: 'not supported; use top_logprobs_num' },
    return_routed_experts: notSupported('it is'),
    lora_path: notSupported('LoRA adapters are'),
    custom_logit_processor: notSupported('custom logit processors are'),
    session_params: notSupported('sessions are'),
    session_id: notSupported('sessions are'),
    bootstrap_host: notSupported('split prefill and decode are'),
  },
  ignored: [
    'priority',
    'extra_key',
    'cache_salt',
    'routing_key',
    'conversation_id',
    'log_metrics',
    'no_logs',
    'custom_labels',
    'routed_experts_start_len',
  ],
  unknown: 'pass',
};

/** @throws RequestError */
export function parseGenerateBody(body: JsonObject): ParsedFields<GenerateBody> {
  return parseFields(rules, body);
}
