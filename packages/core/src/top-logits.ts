import type { Batch, Logits } from './backend.ts';
import { LowbitError } from './errors/lowbit-error.ts';
import { largestIndices } from './largest-indices.ts';
import { logSumExp } from './log-sum-exp.ts';
import type { ModelProgram } from './program.ts';

/** How much a caller wants to know of each row of logits. */
export interface TopRequest {
  /** `[logitRows]`: how many of the row's largest logits, at most the vocabulary; 0 where all of its logits are wanted. */
  readonly counts: Int32Array;
  /** Is `TopLogits.logSumExp` wanted? */
  readonly logSumExp: boolean;
}

/**
 * Of each row with a count, its largest logits: one row after the other, each in falling order; of equals, the lowest token id first.
 * NaN counts as larger than any number, so that a row which holds one begins with it. Both zeros are equal.
 */
export interface TopLogits {
  /** Shape `[sum of counts]`. */
  readonly tokenIds: Int32Array;
  /** The logits of `tokenIds`. Which NaN and which zero may be lost. Shape `[sum of counts]`. */
  readonly values: Float32Array;
  /**
   * `log(sum(exp(logits)))` over the vocabulary, to 1e-5, of each row with a count; NaN where the row holds NaN, else its largest logit where
   * that is infinite. Subtracted from a logit it gives a log probability. Present where asked for.
   */
  readonly logSumExp?: Float64Array;
  /** All logits of each row without a count, `[those rows, vocab]`. */
  readonly logits: Logits;
}

/** What `Executable.runTop` answers, out of what `Executable.run` answers. */
export function selectTopLogits(logits: Logits, vocabSize: number, request: TopRequest): TopLogits {
  const tokenIds: Int32Array[] = [];
  const values: Float32Array[] = [];
  const sums: number[] = [];
  const whole: Float32Array[] = [];
  request.counts.forEach((count, index) => {
    const row = logits.subarray(index * vocabSize, (index + 1) * vocabSize);
    if (count === 0) {
      whole.push(row);
      return;
    }
    const ids = largestIndices(row, count);
    tokenIds.push(ids);
    values.push(Float32Array.from(ids, (id) => row[id]!));
    if (request.logSumExp) sums.push(logSumExp(row));
  });
  return {
    tokenIds: joined(tokenIds, new Int32Array(lengthOf(tokenIds))),
    values: joined(values, new Float32Array(lengthOf(values))),
    ...(request.logSumExp ? { logSumExp: Float64Array.from(sums) } : {}),
    logits: whole.length === request.counts.length ? logits : joined(whole, new Float32Array(lengthOf(whole))),
  };
}

/**
 * As `checkBatch`.
 * @throws LowbitError BATCH
 */
export function checkTopRequest({ counts }: TopRequest, batch: Batch, { vocabSize }: ModelProgram): void {
  const fail = (message: string) => {
    throw new LowbitError({ code: 'BATCH', message: `batch: ${message}` });
  };
  const rows = batch.logitRows.length;
  if (counts.length !== rows) fail(`${counts.length} counts for ${rows} rows of logits`);
  counts.forEach((count, index) => {
    if (count < 0 || count > vocabSize) fail(`${count} logits of row ${index}, expected 0 to ${vocabSize}`);
  });
}

function lengthOf(parts: readonly { readonly length: number }[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function joined<A extends { set(part: A, offset: number): void; readonly length: number }>(
  parts: readonly A[],
  all: A,
): A {
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
