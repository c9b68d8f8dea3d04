import { type Blocked, deepFreeze, type KvCacheScheme, type KvQuantization, type TensorClaims } from '@lowbit/core';
import { claimVector } from '../claim-tables.ts';

/** Keys (after RoPE) and values in int8, a scale and an offset per feature: `<attention>.k_proj.kv_cache_scale`, ... */
export const c8: KvCacheScheme = {
  name: 'C8',
  describe({ name, numKvHeads, headSize }, tensors) {
    const features = numKvHeads * headSize;
    const key = claimQuantization(tensors, `${name}.k_proj`, features);
    const value = claimQuantization(tensors, `${name}.v_proj`, features);
    const quantization = { key, value };
    return deepFreeze({ kind: 'kvCache', module: name, scheme: 'C8', type: 'i8', numKvHeads, headSize, quantization });
  },
};

/** Does the checkpoint keep scales for this attention module? */
export function hasCacheScales(tensors: ReadonlyMap<string, unknown>, attention: string): boolean {
  return ['k_proj', 'v_proj'].some((projection) => tensors.has(`${attention}.${projection}.kv_cache_scale`));
}

function claimQuantization(tensors: TensorClaims, projection: string, features: number): KvQuantization {
  const table = (suffix: string): Blocked => ({
    ...claimVector(tensors, `${projection}.${suffix}`, features),
    block: [1, 1],
  });
  return { scale: table('kv_cache_scale'), zero: table('kv_cache_offset') };
}
