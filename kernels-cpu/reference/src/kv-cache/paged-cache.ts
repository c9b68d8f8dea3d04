import type { KvCacheDescription, KvCacheSize } from '@lowbit/core';
import type { Rounder } from './round-element.ts';

/**
 * Keys and values of one attention module in `blocks` blocks of `blockSize` tokens:
 *
 * ```
 * keys[block, position % blockSize, kvHead, feature]        values the same, with a head size of their own
 * ```
 *
 * Each number is rounded to what the cache's type can hold when it is written, and held as f32.
 */
export interface PagedCache {
  readonly keys: Float32Array;
  readonly values: Float32Array;
  /** Keeps one token of a sequence, `[kvHeads, headSize]` and `[kvHeads, valueHeadSize]`. */
  write(blocks: Int32Array, position: number, key: Float32Array, value: Float32Array): void;
  /** The places of a sequence's first `length` tokens: token i begins at `slots[i]` times the width of all its heads. */
  slots(blocks: Int32Array, length: number): Float64Array;
}

export function createPagedCache(
  {
    numKvHeads,
    headSize,
    valueHeadSize = headSize,
  }: Pick<KvCacheDescription, 'numKvHeads' | 'headSize' | 'valueHeadSize'>,
  { blockSize, blocks }: KvCacheSize,
  round: { readonly key: Rounder; readonly value: Rounder },
): PagedCache {
  const keyWidth = numKvHeads * headSize;
  const valueWidth = numKvHeads * valueHeadSize;
  const keys = new Float32Array(blocks * blockSize * keyWidth);
  const values = new Float32Array(blocks * blockSize * valueWidth);
  const slotOf = (table: Int32Array, position: number) =>
    table[Math.floor(position / blockSize)]! * blockSize + (position % blockSize);

  return {
    keys,
    values,
    write(table, position, key, value) {
      const slot = slotOf(table, position);
      for (let feature = 0; feature < keyWidth; feature++) {
        keys[slot * keyWidth + feature] = round.key(key[feature]!, feature);
      }
      for (let feature = 0; feature < valueWidth; feature++) {
        values[slot * valueWidth + feature] = round.value(value[feature]!, feature);
      }
    },
    slots: (table, length) => Float64Array.from({ length }, (_, position) => slotOf(table, position)),
  };
}
