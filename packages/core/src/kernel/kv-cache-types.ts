import type { KvCacheDescription } from '../description.ts';
import type { Numerics } from '../device.ts';
import { bitsOf, type ElementType } from '../element-type.ts';
import type { Refusal } from '../refusal.ts';

/** What keys and values are kept as: three that hold a number well enough by themselves, three that quantize it. */
export const kvCacheTypes: readonly ElementType[] = ['f32', 'f16', 'bf16', 'f8e4m3', 'f8e5m2', 'i8'];

/** Whether a cache of this type quantizes; with numerics `exact` it keeps f32 instead. */
export function quantizesCache(type: ElementType): boolean {
  return bitsOf(type) <= 8;
}

/**
 * For `refuse` of KV-cache kernels that keep every one of `kvCacheTypes`.
 * @param by name of the kernel
 */
export function refuseCache({ type, quantization }: KvCacheDescription, by: string): Refusal | undefined {
  if (!kvCacheTypes.includes(type)) {
    const message = `keys and values as ${type}, keeps ${kvCacheTypes.join(', ')}`;
    return { by, code: 'KV_CACHE_TYPE', message, hint: 'Keep them as f32.' };
  }
  if (type !== 'i8' || quantization) return undefined;
  return { by, code: 'KV_CACHE_SCALE', message: 'keys and values as i8 without scales' };
}

/** For `approximation` of KV-cache kernels. */
export function approximateCache({ type }: KvCacheDescription, numerics: Numerics): string | undefined {
  if (numerics !== 'exact' || !quantizesCache(type)) return undefined;
  return `keys and values stay f32, where the checkpoint keeps them as ${type}`;
}
