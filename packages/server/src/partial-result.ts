import type { FinishReason, GenerateChunk, TokenLogprob, Usage } from '@lowbit/runtime';
import type { Run } from './run-requests.ts';

/** A generation as far as it has come: the chunks so far, joined. */
export interface PartialResult {
  text: string;
  readonly tokenIds: number[];
  readonly logprobs: TokenLogprob[];
  readonly promptLogprobs: TokenLogprob[];
  usage: Usage;
  finish: FinishReason | undefined;
}

export function emptyResult(): PartialResult {
  return {
    text: '',
    tokenIds: [],
    logprobs: [],
    promptLogprobs: [],
    usage: { promptTokens: 0, completionTokens: 0 },
    finish: undefined,
  };
}

export function addChunk(result: PartialResult, chunk: GenerateChunk): void {
  result.text += chunk.text;
  for (const tokenId of chunk.tokenIds) result.tokenIds.push(tokenId);
  for (const logprob of chunk.logprobs ?? []) result.logprobs.push(logprob);
  for (const logprob of chunk.promptLogprobs ?? []) result.promptLogprobs.push(logprob);
  result.usage = chunk.usage;
  result.finish = chunk.finish;
}

/** Waits for all generations of a run; one result each, in order. */
export async function collectResults(run: Run, count: number): Promise<PartialResult[]> {
  const results = Array.from({ length: count }, emptyResult);
  for await (const { index, value } of run.chunks) addChunk(results[index]!, value);
  return results;
}
