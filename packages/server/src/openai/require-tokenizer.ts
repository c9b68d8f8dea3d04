import type { Model, Tokenizer } from '@lowbit/runtime';
import { RequestError } from '../errors.ts';

/** @throws RequestError where the model has no tokenizer: `what` says who needs it */
export function requireTokenizer(model: Model, what: string): Tokenizer {
  if (model.tokenizer) return model.tokenizer;
  throw new RequestError({
    message: `${what} needs a tokenizer, and the model's folder has no tokenizer.json`,
    remedy: 'Send token ids to /generate or /v1/completions.',
  });
}
