import type { JsonObject } from '@lowbit/core';
import * as z from 'zod';
import { RequestError } from '../errors.ts';
import { type FieldRules, type ParsedFields, parseFields } from '../parse-fields.ts';
import { checkSharedFields, openAiIgnored, openAiRefused, openAiShape } from './openai-sampling.ts';

const maxTokens = z.int().min(1);

const schema = z.object({
  ...openAiShape,
  messages: z.array(z.record(z.string(), z.unknown())).min(1),
  max_tokens: maxTokens.optional(),
  max_completion_tokens: maxTokens.optional(),
  logprobs: z.boolean().default(false),
  top_logprobs: z.int().min(0).max(20).default(0),
  chat_template_kwargs: z.record(z.string(), z.unknown()).optional(),
});

export type ChatBody = z.output<typeof schema>;

const tools = { reason: 'tools are not supported' };
const text = { reason: 'only text is supported' };

const rules: FieldRules<typeof schema> = {
  schema,
  known: Object.keys(schema.shape),
  refused: {
    ...openAiRefused,
    prompt: { reason: 'not a field of chat completions; use messages, or POST /v1/completions' },
    echo: { reason: 'not a field of chat completions' },
    tools,
    functions: tools,
    tool_choice: { ...tools, off: ['none', 'auto'] },
    function_call: { ...tools, off: ['none', 'auto'] },
    response_format: { reason: 'only {"type": "text"} is supported', off: [{ type: 'text' }] },
    modalities: { ...text, off: [['text']] },
    audio: text,
    prediction: { reason: 'predicted output is not supported' },
    web_search_options: { reason: 'web search is not supported' },
    reasoning_effort: { reason: 'not supported; templates that know it take it from chat_template_kwargs' },
    verbosity: { reason: 'not supported; say it in a message' },
    continue_final_message: { reason: 'the last message cannot be continued; use /v1/completions' },
    add_generation_prompt: { reason: 'only the default, true, is supported', off: [true] },
    chat_template: { reason: 'the template cannot be replaced by a request' },
  },
  ignored: [...openAiIgnored, 'parallel_tool_calls'],
  unknown: 'pass',
};

/** @throws RequestError */
export function parseChatBody(body: JsonObject): ParsedFields<ChatBody> {
  const parsed = parseFields(rules, body);
  const { value } = parsed;
  if (value.top_logprobs > 0 && !value.logprobs) {
    throw new RequestError({ message: 'top_logprobs: only allowed with logprobs: true', param: 'top_logprobs' });
  }
  checkSharedFields(value, requestedMaxTokens(value) ?? Number.POSITIVE_INFINITY);
  return parsed;
}

/** Most tokens of the answer; undefined where the request leaves that to the server. */
export function requestedMaxTokens(body: ChatBody): number | undefined {
  return body.max_completion_tokens ?? body.max_tokens;
}
