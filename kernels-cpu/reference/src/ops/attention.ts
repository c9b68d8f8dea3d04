import type { AttentionOperation, BatchSequence } from '@lowbit/core';
import type { PagedCache } from '../kv-cache/paged-cache.ts';

/** The values of one attention operation, `[rows, heads * headSize]` each. */
interface AttentionValues {
  readonly query: Float32Array;
  readonly key: Float32Array;
  readonly value: Float32Array;
  readonly output: Float32Array;
}

/**
 * Causal attention of one sequence's rows. The rows' keys and values enter the cache first; then the row at position p
 * attends to positions `max(0, p - slidingWindow + 1)` to p, read back from the cache, so that a prompt gives the same
 * numbers in one piece and in many.
 */
export function attention(
  operation: AttentionOperation,
  cache: PagedCache,
  sequence: BatchSequence,
  positions: Int32Array,
  { query, key, value, output }: AttentionValues,
): void {
  const { numHeads, numKvHeads, headSize, scale, slidingWindow = Number.POSITIVE_INFINITY } = operation;
  const keyWidth = numKvHeads * headSize;
  const queryWidth = numHeads * headSize;
  const headsPerKvHead = numHeads / numKvHeads;
  const endRow = sequence.firstRow + sequence.rows;

  for (let row = sequence.firstRow; row < endRow; row++) {
    const own = [row * keyWidth, (row + 1) * keyWidth] as const;
    cache.write(sequence.blocks, positions[row]!, key.subarray(...own), value.subarray(...own));
  }

  const { keys, values } = cache;
  const offsets = cache.offsets(sequence.blocks, positions[endRow - 1]! + 1);
  const weights = new Float32Array(offsets.length);
  const sum = new Float64Array(headSize);
  for (let row = sequence.firstRow; row < endRow; row++) {
    const last = positions[row]!;
    const first = Math.max(0, last - slidingWindow + 1);
    for (let head = 0; head < numHeads; head++) {
      const queryStart = row * queryWidth + head * headSize;
      const headStart = Math.floor(head / headsPerKvHead) * headSize;

      for (let position = first; position <= last; position++) {
        const keyStart = offsets[position]! + headStart;
        let dot = 0;
        for (let i = 0; i < headSize; i++) dot += query[queryStart + i]! * keys[keyStart + i]!;
        weights[position] = Math.fround(dot) * scale;
      }
      softmax(weights.subarray(first, last + 1));

      sum.fill(0);
      for (let position = first; position <= last; position++) {
        const valueStart = offsets[position]! + headStart;
        const weight = weights[position]!;
        for (let i = 0; i < headSize; i++) sum[i]! += weight * values[valueStart + i]!;
      }
      output.set(sum, queryStart);
    }
  }
}

/** In place. The maximum is subtracted first, so that no exponential overflows. */
function softmax(scores: Float32Array): void {
  let max = Number.NEGATIVE_INFINITY;
  for (const score of scores) max = Math.max(max, score);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    scores[i] = Math.exp(Math.fround(scores[i]! - max));
    sum += scores[i]!;
  }
  for (let i = 0; i < scores.length; i++) scores[i]! /= sum;
}
