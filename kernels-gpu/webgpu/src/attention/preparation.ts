/// <reference types="@webgpu/types" />
import type { AttentionOperation, RopeOperation } from '@lowbit/core';
import type { DeviceCache } from '../cache/device-cache.ts';

/** What happens to the heads of queries and keys on their way into attention. */
export interface Preparation {
  readonly query: HeadPreparation;
  readonly key: HeadPreparation;
  readonly rope?: RopeOperation;
}

export interface HeadPreparation {
  /** A norm of each head, without biases; it comes first. */
  readonly norm?: { readonly module: string; readonly weight: GPUBuffer; readonly epsilon: number };
  readonly turned: boolean;
}

/** Features of a head that workgroup memory has room for. */
const largestHead = 512;

/** Whether heads can be placed one by one: they fill whole words of the cache. */
export function placesHeads({ key, value }: DeviceCache, operation: AttentionOperation): boolean {
  const { headSize, valueHeadSize = headSize } = operation;
  const whole = (headSize * key.bits) % 32 === 0 && (valueHeadSize * value.bits) % 32 === 0;
  return whole && Math.max(headSize, valueHeadSize) <= largestHead;
}
