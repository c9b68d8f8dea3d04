import type { AttentionOperation, BatchSequence } from '@lowbit/core';
import type { PagedCache } from '../kv-cache/paged-cache.ts';

/** The values of one attention operation, `[rows, heads * headSize]` or, of values and outputs, `valueHeadSize`. */
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
  const { valueHeadSize = headSize } = operation;
  const keyWidth = numKvHeads * headSize;
  const valueWidth = numKvHeads * valueHeadSize;
  const queryWidth = numHeads * headSize;
  const headsPerKvHead = numHeads / numKvHeads;
  const endRow = sequence.firstRow + sequence.rows;

  for (let row = sequence.firstRow; row < endRow; row++) {
    const ownKey = key.subarray(row * keyWidth, (row + 1) * keyWidth);
    const ownValue = value.subarray(row * valueWidth, (row + 1) * valueWidth);
    cache.write(sequence.blocks, positions[row]!, ownKey, ownValue);
  }

  const { keys, values } = cache;
  const slots = cache.slots(sequence.blocks, positions[endRow - 1]! + 1);
  const weights = new Float32Array(slots.length);
  const sum = new Float64Array(valueHeadSize);
  for (let row = sequence.firstRow; row < endRow; row++) {
    const last = positions[row]!;
    const first = Math.max(0, last - slidingWindow + 1);
    for (let head = 0; head < numHeads; head++) {
      const queryStart = row * queryWidth + head * headSize;
      const kvHead = Math.floor(head / headsPerKvHead);

      for (let position = first; position <= last; position++) {
        const keyStart = slots[position]! * keyWidth + kvHead * headSize;
        let dot = 0;
        for (let i = 0; i < headSize; i++) dot += query[queryStart + i]! * keys[keyStart + i]!;
        weights[position] = Math.fround(dot) * scale;
      }
      softmax(weights.subarray(first, last + 1));

      sum.fill(0);
      for (let position = first; position <= last; position++) {
        const valueStart = slots[position]! * valueWidth + kvHead * valueHeadSize;
        const weight = weights[position]!;
        for (let i = 0; i < valueHeadSize; i++) sum[i]! += weight * values[valueStart + i]!;
      }
      output.set(sum, (row * numHeads + head) * valueHeadSize);
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
