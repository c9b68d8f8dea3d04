import { type Batch, type Executable, selectTopLogits, type TopLogits, type TopRequest } from '@lowbit/core';
import type { RowLogits } from '../sampling/row-logits.ts';

/** Runs a batch and answers each of its `logitRows` as the request says, whether or not the executable can itself. */
export async function runRows(
  executable: Executable,
  vocabSize: number,
  batch: Batch,
  request: TopRequest,
  signal: AbortSignal,
): Promise<readonly RowLogits[]> {
  const { counts } = request;
  if (executable.runTop && counts.some((count) => count > 0)) {
    return splitRows(await executable.runTop(batch, request, signal), counts, vocabSize);
  }
  return splitRows(selectTopLogits(await executable.run(batch, signal), vocabSize, request), counts, vocabSize);
}

function splitRows(top: TopLogits, counts: Int32Array, vocabSize: number): readonly RowLogits[] {
  let chosen = 0;
  let sums = 0;
  let whole = 0;
  return Array.from(counts, (count): RowLogits => {
    if (count === 0) {
      const logits = top.logits.subarray(whole, whole + vocabSize);
      whole += vocabSize;
      return { kind: 'all', logits };
    }
    const tokenIds = top.tokenIds.subarray(chosen, chosen + count);
    const logits = top.values.subarray(chosen, chosen + count);
    chosen += count;
    const logSumExp = top.logSumExp?.[sums++];
    return { kind: 'largest', tokenIds, logits, ...(logSumExp === undefined ? {} : { logSumExp }) };
  });
}
