import type { JsonObject } from '@lowbit/core';
import * as z from 'zod';
import { RequestError } from '../errors.ts';
import { type FieldRules, type ParsedFields, parseFields } from '../parse-fields.ts';
import { grammarRefused } from './grammar-refused.ts';
import { checkSharedFields, openAiIgnored, openAiRefused, openAiShape } from './openai-sampling.ts';
import { tokenCount, tokenId } from './sampling-fields.ts';

const tokenIds = z.array(tokenId).min(1);

const schema = z.object({
  ...openAiShape,
  prompt: z.union(
    [z.string(), tokenIds, z.array(z.string()).min(1), z.array(tokenIds).min(1)],
    'expected text, a list of texts, a list of token ids, or a list of such lists, none of them empty',
  ),
  max_tokens: tokenCount.default(16),
  echo: z.boolean().default(false),
  logprobs: z.int().min(0).max(20).optional(),
  best_of: z.int().min(1).optional(),
});

export type CompletionBody = z.output<typeof schema>;

const rules: FieldRules<typeof schema> = {
  schema,
  known: Object.keys(schema.shape),
  refused: {
    ...openAiRefused,
    suffix: { reason: 'text cannot be inserted before a suffix; leave it out' },
    messages: { reason: 'not a field of completions; POST /v1/chat/completions' },
    max_completion_tokens: { reason: 'not a field of completions; it is max_tokens here' },
    response_format: { ...grammarRefused, off: [{ type: 'text' }] },
  },
  ignored: openAiIgnored,
  unknown: 'pass',
};

/** @throws RequestError */
export function parseCompletionBody(body: JsonObject): ParsedFields<CompletionBody> {
  const parsed = parseFields(rules, body);
  const { best_of: bestOf, n = 1, max_tokens: maxTokens } = parsed.value;
  checkSharedFields(parsed.value, maxTokens);
  if (bestOf !== undefined && bestOf !== n) {
    const message = `best_of: only the value of n (${n}) is supported, found ${bestOf}`;
    throw new RequestError({ message, param: 'best_of' });
  }
  return parsed;
}
