/// <reference types="@webgpu/types" />
import type { AttentionOperation } from '@lowbit/core';
import type { DeviceCache } from '../cache/device-cache.ts';
import type { Binding, DispatchSpec } from '../gpu/dispatch.ts';
import floats from '../numbers/floats.wgsl';
import type { Plan } from '../run/plan.ts';
import { elementShader, quadShader } from './cache-shader.ts';
import pages from './pages.wgsl';

export type AttentionValues = Readonly<Record<'query' | 'key' | 'value' | 'output', GPUBuffer>>;

/** What the shaders of attention share. */
export interface AttentionShape {
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headSize: number;
  readonly valueHeadSize: number;
  readonly cache: DeviceCache;
  readonly values: AttentionValues;
  /** Functions of the cache. */
  readonly source: string;
  readonly sizes: NonNullable<DispatchSpec['sizes']>;
  readonly factors: NonNullable<DispatchSpec['factors']>;
  /** Of those functions: the cache itself is read or written. */
  bindings(access: NonNullable<Binding['access']>): DispatchSpec['bindings'];
}

export function attentionShape(
  plan: Plan,
  operation: AttentionOperation,
  cache: DeviceCache,
  values: AttentionValues,
): AttentionShape {
  const { numHeads, numKvHeads, headSize, valueHeadSize = headSize, scale, slidingWindow = 0 } = operation;
  const { key, value, quantities } = cache;
  return {
    numHeads,
    numKvHeads,
    headSize,
    valueHeadSize,
    cache,
    values,
    source: [floats, pages, elementShader(cache), quadShader(cache, { key: headSize, value: valueHeadSize })].join(
      '\n',
    ),
    sizes: {
      HEADS: numHeads,
      KV_HEADS: numKvHeads,
      HEAD_SIZE: headSize,
      VALUE_HEAD_SIZE: valueHeadSize,
      KEY_QUADS: Math.ceil(headSize / 4),
      VALUE_QUADS: Math.ceil(valueHeadSize / 4),
      WINDOW: slidingWindow,
      BLOCK_SIZE: cache.blockSize,
      KEY_WIDTH: key.width,
      VALUE_WIDTH: value.width,
      KEY_WORDS: key.rowWords,
      VALUE_WORDS: value.rowWords,
    },
    factors: { SCALE: scale },
    bindings: (access) => ({
      counts: { buffer: plan.rows.counts, type: 'vec4u', access: 'uniform' },
      pages: { buffer: plan.rows.pages, type: 'u32' },
      keys: { buffer: key.elements, type: 'u32', access },
      values: { buffer: value.elements, type: 'u32', access },
      ...(quantities ? { quantities: { buffer: quantities, type: 'f32' } } : {}),
    }),
  };
}

/** Of a key, that threads of attend.wgsl read side by side. */
const quadsAtOnce = 4;

/** Quads of a key that one thread reads. */
export function keySteps(headSize: number): number {
  return Math.ceil(headSize / 4 / quadsAtOnce);
}

/** How a workgroup of attend.wgsl divides a head. */
export function headRooms({ headSize, valueHeadSize }: AttentionShape) {
  const quads = Math.ceil(valueHeadSize / 4);
  const valueRoom = Math.min(256, 2 ** Math.ceil(Math.log2(quads)));
  return {
    QUAD_ROOM: quadsAtOnce * keySteps(headSize),
    OWN_QUADS: Math.ceil(quads / 256),
    VALUE_ROOM: valueRoom,
    VALUE_LANES: 256 / valueRoom,
  };
}
