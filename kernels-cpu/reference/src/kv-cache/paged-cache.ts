import type { ElementType, KvCacheDescription, KvCacheSize } from '@lowbit/core';
import { roundToFloat } from '../round-to-float.ts';

export const cacheTypes = ['f32', 'f16', 'bf16'] as const;
type CacheType = (typeof cacheTypes)[number];

export function isCacheType(type: ElementType): type is CacheType {
  return cacheTypes.some((cached) => cached === type);
}

/**
 * Keys and values of one attention module in `blocks` blocks of `blockSize` tokens:
 *
 * ```
 * keys[block, position % blockSize, kvHead, feature]        values the same
 * ```
 *
 * Each number is rounded to the cache's type when it is written, and held as f32.
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
  { type, numKvHeads, headSize }: KvCacheDescription,
  { blockSize, blocks }: KvCacheSize,
): PagedCache {
  if (!isCacheType(type)) throw new TypeError(`no KV cache of ${type}`);
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
      for (let i = 0; i < width; i++) {
        keys[start + i] = roundToFloat(key[i]!, type);
        values[start + i] = roundToFloat(value[i]!, type);
      }
    },
    offsets: (table, length) => Float64Array.from({ length }, (_, position) => offsetOf(table, position)),
  };
}
