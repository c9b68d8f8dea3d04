/// <reference types="@webgpu/types" />
import {
  bitsOf,
  type ElementType,
  isFloat,
  type KvCacheDescription,
  type KvCacheSize,
  type KvQuantization,
  LowbitError,
  type Numerics,
  quantizesCache,
  type TensorBytes,
} from '@lowbit/core';
import { decodeStored } from '@lowbit/numerics';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { storageBuffer } from '../gpu/storage-buffer.ts';
import { decodeExpression, encodeExpression, type SmallFloat } from '../numbers/float-arguments.ts';

/** The paged cache of one attention module. */
export interface DeviceCache {
  readonly blockSize: number;
  readonly key: CachePart;
  readonly value: CachePart;
  /** Scales, then zero points of each feature: of keys, then of values. */
  readonly quantities?: GPUBuffer;
  readonly bytes: number;
  release(): void;
}

/** Keys, or values. */
export interface CachePart {
  /** `[blocks * blockSize, rowWords]` */
  readonly elements: GPUBuffer;
  readonly bits: number;
  readonly width: number;
  readonly rowWords: number;
  /** WGSL: the code of the f32 `value`, and the number of the code `code`, both before scaling, with the zero point `zero`. */
  readonly encode: string;
  readonly decode: string;
}

export async function createCache(
  device: WebgpuDevice,
  { module, type, numKvHeads, headSize, valueHeadSize = headSize, quantization }: KvCacheDescription,
  { blockSize, blocks }: KvCacheSize,
  numerics: Numerics,
  bytes: TensorBytes,
): Promise<DeviceCache> {
  const unquantized = numerics === 'exact' && quantizesCache(type);
  const kept = unquantized ? 'f32' : type;
  const buffers: GPUBuffer[] = [];
  const keep = (content: number | Float32Array, label: string) => {
    const buffer = storageBuffer(device, content, label);
    buffers.push(buffer);
    return buffer;
  };
  const part = (width: number, label: string): CachePart => {
    const bits = bitsOf(kept);
    const rowWords = Math.ceil((width * bits) / 32);
    const elements = keep(4 * blocks * blockSize * rowWords, `${module}: cache of ${label}`);
    return { elements, bits, width, rowWords, ...codecOf(kept) };
  };
  const release = () => {
    for (const buffer of buffers.splice(0)) buffer.destroy();
  };
  try {
    const key = part(numKvHeads * headSize, 'keys');
    const value = part(numKvHeads * valueHeadSize, 'values');
    let quantities: GPUBuffer | undefined;
    if (quantization && !unquantized) {
      const ofKeys = await readQuantities(module, quantization.key, key.width, bytes);
      const ofValues = await readQuantities(module, quantization.value, value.width, bytes);
      quantities = keep(Float32Array.of(...ofKeys, ...ofValues), `${module}: scales`);
    }
    const size = buffers.reduce((sum, buffer) => sum + buffer.size, 0);
    return { blockSize, key, value, ...(quantities ? { quantities } : {}), bytes: size, release };
  } catch (error) {
    release();
    throw error;
  }
}

function codecOf(type: ElementType): Pick<CachePart, 'encode' | 'decode'> {
  if (type === 'f32') return { encode: 'bitcast<u32>(value)', decode: 'bitcast<f32>(code)' };
  if (isFloat(type)) {
    return {
      encode: encodeExpression(type as SmallFloat, 'value'),
      decode: type === 'f16' ? 'unpack2x16float(code).x' : decodeExpression(type as SmallFloat, 'code'),
    };
  }
  return {
    encode: '(bitcast<u32>(i32(clamp(round(value) + zero, -128.0, 127.0))) & 0xffu)',
    decode: '(f32(bitcast<i32>(code << 24u) >> 24u) - zero)',
  };
}

/** One scale and zero point for each feature, from one for each block of features. */
async function readQuantities(
  module: string,
  { scale, zero }: KvQuantization,
  width: number,
  bytes: TensorBytes,
): Promise<Float32Array> {
  const numbers = new Float32Array(2 * width);
  for (const [table, start] of [[scale, 0] as const, [zero, width] as const]) {
    if (!table) continue;
    const [features] = table.block;
    const stored = decodeStored(table, await bytes.read(table.ref), [['out', Math.ceil(width / features)]]);
    for (let feature = 0; feature < width; feature++)
      numbers[start + feature] = stored[Math.floor(feature / features)]!;
  }
  const fraction = numbers.subarray(width).find((number) => !Number.isInteger(number));
  if (fraction === undefined) return numbers;
  throw new LowbitError({ code: 'KV_CACHE_ZERO', message: `${module}: zero point ${fraction}, needs whole numbers` });
}
