import { RequestError } from '../errors.ts';

/** Most continuations in one HTTP request; bodies are large enough to ask for millions. */
const maxSequences = 1024;

/** @throws RequestError */
export function checkSequenceCount(count: number): void {
  if (count <= maxSequences) return;
  const message = `expected at most ${maxSequences} continuations (prompts x n) in one request, found ${count}`;
  throw new RequestError({ message, remedy: 'Send several requests; they run together.' });
}

/** @throws RequestError naming the id and its position */
export function checkTokenIds(ids: readonly number[], vocabSize: number, field: string): void {
  const position = ids.findIndex((id) => id >= vocabSize);
  if (position < 0) return;
  const message = `${field}: expected token ids below ${vocabSize} (the vocabulary), found ${ids[position]} at position ${position}`;
  throw new RequestError({ message, param: field });
}
