import type { KvCacheKernel } from '@lowbit/core';
import { cacheTypes, isCacheType } from './paged-cache.ts';

/** Keeps keys and values in blocks, rounded to a float type of at least 16 bits. */
export const paged: KvCacheKernel = {
  name: 'reference/paged',
  refuse({ type }) {
    if (isCacheType(type)) return undefined;
    return {
      by: paged.name,
      code: 'KV_CACHE_TYPE',
      message: `keys and values as ${type}, keeps ${cacheTypes.join(', ')}`,
      hint: `Keep them as ${cacheTypes.join(' or ')}.`,
    };
  },
  bytes: ({ numKvHeads, headSize }) => 2 * numKvHeads * headSize * Float32Array.BYTES_PER_ELEMENT,
};
