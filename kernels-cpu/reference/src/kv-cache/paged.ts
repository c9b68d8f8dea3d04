import { approximateCache, type KvCacheKernel, refuseCache } from '@lowbit/core';

/** Keeps keys and values in blocks, as numbers that the cache's type can hold. */
export const paged: KvCacheKernel = {
  name: 'reference/paged',
  refuse: (description) => refuseCache(description, paged.name),
  bytes: ({ numKvHeads, headSize, valueHeadSize = headSize }) =>
    numKvHeads * (headSize + valueHeadSize) * Float32Array.BYTES_PER_ELEMENT,
  approximation: approximateCache,
};
