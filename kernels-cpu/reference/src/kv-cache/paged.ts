import type { KvCacheKernel } from '@lowbit/core';
import { cacheTypes, isNarrow } from './round-element.ts';

/** Keeps keys and values in blocks, as numbers that the cache's type can hold. */
export const paged: KvCacheKernel = {
  name: 'reference/paged',
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
  bytes: ({ numKvHeads, headSize, valueHeadSize = headSize }) =>
    numKvHeads * (headSize + valueHeadSize) * Float32Array.BYTES_PER_ELEMENT,
  approximation: (description, numerics) =>
    numerics === 'exact' && isNarrow(description)
      ? `keys and values stay f32, where the checkpoint keeps them as ${description.type}`
      : undefined,
};
