import {
  type ElementType,
  integerRange,
  isFloat,
  type KvCacheDescription,
  type Numerics,
  quantizesCache,
} from '@lowbit/core';
import { decodeStored, type ReadTensor, roundHalfEven } from '@lowbit/numerics';
import { roundToFloat } from '../round-to-float.ts';

/** The number that the cache gives back for one written to a feature, counted over all heads. */
export type Rounder = (value: number, feature: number) => number;

/** Rounders for keys and values. With numerics `exact` nothing is quantized: narrow types keep f32. */
export function createRounders(
  description: KvCacheDescription,
  numerics: Numerics,
  read: ReadTensor,
): { readonly key: Rounder; readonly value: Rounder } {
  const { type, numKvHeads, headSize, valueHeadSize = headSize, quantization } = description;
  if (numerics === 'exact' && quantizesCache(type)) return { key: Math.fround, value: Math.fround };
  const rounderFor = (part: 'key' | 'value') => {
    const size = numKvHeads * (part === 'key' ? headSize : valueHeadSize);
    const { scale, zero } = quantization?.[part] ?? {};
    return rounder(type, scale && spread(scale, size, read), zero && spread(zero, size, read));
  };
  return { key: rounderFor('key'), value: rounderFor('value') };
}

function rounder(type: ElementType, scales: Float32Array | undefined, zeros: Float32Array | undefined): Rounder {
  const scaleOf = (feature: number) => scales?.[feature] ?? 1;
  if (isFloat(type)) {
    return (value, feature) => roundToFloat(Math.fround(value / scaleOf(feature)), type) * scaleOf(feature);
  }
  const [least, greatest] = integerRange(type);
  return (value, feature) => {
    const zero = zeros?.[feature] ?? 0;
    const element = roundHalfEven(Math.fround(value / scaleOf(feature))) + zero;
    return (Math.min(greatest, Math.max(least, element)) - zero) * scaleOf(feature);
  };
}

/** One number per feature from a table with one per block of features. */
function spread(
  table: NonNullable<KvCacheDescription['quantization']>['key']['scale'],
  size: number,
  read: ReadTensor,
): Float32Array {
  const [rows] = table.block;
  const values = decodeStored(table, read(table.ref), [['out', Math.ceil(size / rows)]]);
  return Float32Array.from({ length: size }, (_, feature) => values[Math.floor(feature / rows)]!);
}
