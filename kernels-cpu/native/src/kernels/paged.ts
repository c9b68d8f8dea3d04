import { approximateCache, bitsOf, type KvCacheKernel, refuseCache } from '@lowbit/core';
import type { NativeDevice } from '../device/native-device.ts';

/** Keys and values in blocks of tokens, as elements of the cache's type. */
export const paged: KvCacheKernel<NativeDevice> = {
  name: 'native/paged',
  refuse: (description) => refuseCache(description, paged.name),
  bytes: ({ type, numKvHeads, headSize, valueHeadSize = headSize }) =>
    (numKvHeads * (headSize + valueHeadSize) * bitsOf(type)) / 8,
  approximation: approximateCache,
};
