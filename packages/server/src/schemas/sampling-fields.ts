import * as z from 'zod';

const penalty = z.number().min(-2).max(2);

/** Checks of single values that the native and the OpenAI API share. */
export const temperature = z.number().min(0);
export const topP = z.number().gt(0).max(1);
export const topK = z.int().refine((value) => value === -1 || value >= 1, 'expected -1 (all) or at least 1');
export const minP = z.number().min(0).max(1);
export const presencePenalty = penalty;
export const frequencyPenalty = penalty;
export const repetitionPenalty = z.number().gt(0).max(2);
export const tokenCount = z.int().min(0);
export const sampleCount = z.int().min(1).max(128);
export const tokenId = z.int().min(0);
export const logitBias = z.record(z.string().regex(/^\d{1,10}$/), z.number(), {
  error: ({ code }) => (code === 'invalid_key' ? 'expected a token id' : undefined),
});

/** Nulls are left out: clients send a list with the end-of-sequence id of a tokenizer that may have none. */
export const stopTokenIds = z
  .array(tokenId.nullable())
  .transform((ids) => ids.filter((id): id is number => id !== null));

const stopText = z.string().min(1);
export const stop = z
  .union([stopText, z.array(stopText)], 'expected text or a list of texts, none of them empty')
  .transform((value) => (typeof value === 'string' ? [value] : value));
