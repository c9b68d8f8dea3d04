import { LowbitError } from '@lowbit/core';
import type { FinishReason, GenerateRequest, Model, Usage } from '@lowbit/runtime';

/** A finished generation and how long it took. */
export interface Generation {
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly usage: Usage;
  readonly finish: FinishReason;
  /** From the request to the first token, and to the end. */
  readonly seconds: { readonly firstToken: number; readonly total: number };
  /** After the first token, so that prompt and decoding are told apart; null where one token came, or none. */
  readonly tokensPerSecond: number | null;
}

/** Generates, hands on the text as it comes, and measures. */
export async function streamGeneration(
  model: Model,
  request: GenerateRequest,
  onText: (text: string) => void,
): Promise<Generation> {
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  let text = '';
  const tokenIds: number[] = [];
  let firstToken: number | undefined;
  let tokensAtFirst = 0;
  for await (const chunk of model.generate(request)) {
    tokenIds.push(...chunk.tokenIds);
    if (firstToken === undefined && tokenIds.length > 0) {
      firstToken = elapsed();
      tokensAtFirst = tokenIds.length;
    }
    text += chunk.text;
    if (chunk.text !== '') onText(chunk.text);
    if (!chunk.finish) continue;
    const total = elapsed();
    const decoded = tokenIds.length - tokensAtFirst;
    const tokensPerSecond = decoded > 0 ? decoded / (total - (firstToken ?? 0)) : null;
    const seconds = { firstToken: firstToken ?? total, total };
    return { text, tokenIds, usage: chunk.usage, finish: chunk.finish, seconds, tokensPerSecond };
  }
  throw new LowbitError({ code: 'GENERATION', message: 'the generation ended without saying why' });
}
