import type { KvCacheDescription, KvCacheSize } from '@lowbit/core';
import type { Rounder } from './round-element.ts';

/**
 * Keys and values of one attention module in `blocks` blocks of `blockSize` tokens:
 *
 * ```
 * keys[block, position % blockSize, kvHead, feature]        values the same
 * ```
 *
 * Each number is rounded to what the cache's type can hold when it is written, and held as f32.
 */
export interface PagedCache {
  readonly keys: Float32Array;
  readonly values: Float32Array;
  /** Keeps one token of a sequence, `[kvHeads, headSize]` each. */
  write(blocks: Int32Array, position: number, key: Float32Array, value: Float32Array): void;
  /** Where each of a sequence's first `length` tokens begins in `keys` and `values`. */
  offsets(blocks: Int32Array, length: number): Float64Array;
}

export function createPagedCache(
  { numKvHeads, headSize }: Pick<KvCacheDescription, 'numKvHeads' | 'headSize'>,
  { blockSize, blocks }: KvCacheSize,
  round: { readonly key: Rounder; readonly value: Rounder },
): PagedCache {
  const width = numKvHeads * headSize;
  const keys = new Float32Array(blocks * blockSize * width);
  const values = new Float32Array(blocks * blockSize * width);
  const offsetOf = (table: Int32Array, position: number) =>
    (table[Math.floor(position / blockSize)]! * blockSize + (position % blockSize)) * width;

  return {
    keys,
    values,
    write(table, position, key, value) {
      const start = offsetOf(table, position);
      for (let feature = 0; feature < width; feature++) {
        keys[start + feature] = round.key(key[feature]!, feature);
        values[start + feature] = round.value(value[feature]!, feature);
      }
    },
    offsets: (table, length) => Float64Array.from({ length }, (_, position) => offsetOf(table, position)),
  };
}
