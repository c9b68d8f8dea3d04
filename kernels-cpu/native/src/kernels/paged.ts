import { bitsOf, type KvCacheKernel } from '@lowbit/core';
import type { NativeDevice } from '../device/native-device.ts';
import { isNarrow } from '../plan/cache-plan.ts';
import { cacheTypes } from '../plan/module-plan.ts';

/** Keys and values in blocks of tokens, as elements of the cache's type. */
export const paged: KvCacheKernel<NativeDevice> = {
  name: 'native/paged',
  refuse({ type, quantization }) {
    if (!cacheTypes.includes(type)) {
      return {
        by: paged.name,
        code: 'KV_CACHE_TYPE',
        message: `keys and values as ${type}, keeps ${cacheTypes.join(', ')}`,
        hint: 'Keep them as f32.',
      };
    }
    if (type !== 'i8' || quantization) return undefined;
    return { by: paged.name, code: 'KV_CACHE_SCALE', message: 'keys and values as i8 without scales' };
  },
  bytes: ({ type, numKvHeads, headSize, valueHeadSize = headSize }) =>
    (numKvHeads * (headSize + valueHeadSize) * bitsOf(type)) / 8,
  approximation: ({ type }, numerics) =>
    numerics === 'exact' && isNarrow(type)
      ? `keys and values stay f32, where the checkpoint keeps them as ${type}`
      : undefined,
};
