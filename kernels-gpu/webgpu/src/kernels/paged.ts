import { approximateCache, bitsOf, type KvCacheKernel, refuseCache } from '@lowbit/core';
import type { WebgpuDevice } from '../device/webgpu-device.ts';

/** Keys and values in blocks of tokens, as elements of the cache's type. */
export const paged: KvCacheKernel<WebgpuDevice> = {
  name: 'webgpu/paged',
  refuse: (description) => refuseCache(description, paged.name),
  bytes({ type, numKvHeads, headSize, valueHeadSize = headSize }) {
    const words = (features: number) => Math.ceil((numKvHeads * features * bitsOf(type)) / 32);
    return 4 * (words(headSize) + words(valueHeadSize));
  },
  approximation: approximateCache,
};
