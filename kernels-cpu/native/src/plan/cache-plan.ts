import {
  type ElementType,
  type KvCacheDescription,
  type KvCacheSize,
  type KvQuantization,
  type Numerics,
  quantizesCache,
  type TensorBytes,
} from '@lowbit/core';
import { readTable } from './tensor-source.ts';

export interface CachePlan {
  readonly kind: 'kvCache';
  readonly type: ElementType;
  readonly numKvHeads: number;
  readonly headSize: number;
  readonly valueHeadSize: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly key: ElementQuantization;
  readonly value: ElementQuantization;
}

/** Of each feature over all heads. */
interface ElementQuantization {
  readonly scales?: Float32Array;
  readonly zeros?: Float32Array;
}

export async function planCache(
  { type, numKvHeads, headSize, valueHeadSize = headSize, quantization }: KvCacheDescription,
  { blockSize, blocks }: KvCacheSize,
  numerics: Numerics,
  bytes: TensorBytes,
): Promise<CachePlan> {
  const sizes = { kind: 'kvCache', numKvHeads, headSize, valueHeadSize, blockSize, blocks } as const;
  if (numerics === 'exact' && quantizesCache(type)) return { ...sizes, type: 'f32', key: {}, value: {} };
  return {
    ...sizes,
    type,
    key: await planQuantization(quantization?.key, numKvHeads * headSize, bytes),
    value: await planQuantization(quantization?.value, numKvHeads * valueHeadSize, bytes),
  };
}

async function planQuantization(
  quantization: KvQuantization | undefined,
  features: number,
  bytes: TensorBytes,
): Promise<ElementQuantization> {
  if (!quantization) return {};
  const spread = async (table: KvQuantization['scale']) => {
    const [rows] = table.block;
    const numbers = await readTable(table, bytes, [['out', Math.ceil(features / rows)]]);
    return Float32Array.from({ length: features }, (_, feature) => numbers[Math.floor(feature / rows)]!);
  };
  const { scale, zero } = quantization;
  return { scales: await spread(scale), ...(zero ? { zeros: await spread(zero) } : {}) };
}
