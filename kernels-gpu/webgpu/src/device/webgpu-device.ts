/// <reference types="@webgpu/types" />
import type { Device } from '@lowbit/core';
import type { Allocations } from '../gpu/allocations.ts';
import type { PipelineCache } from '../gpu/pipeline-cache.ts';

/** An opened WebGPU device, and what was found out about it. */
export interface WebgpuDevice extends Device {
  readonly kind: 'webgpu';
  readonly gpu: GPUDevice;
  readonly pipelines: PipelineCache;
  /** Of the model that is being loaded. */
  readonly allocations?: Allocations;
  /** WGSL's `dot4I8Packed`; where it is missing bytes are multiplied one by one. */
  readonly packedDot: boolean;
  /** Lanes of every subgroup, where the device has subgroups of one size. */
  readonly subgroupSize?: number;
  /** Computes on the processor: what is repeated in a shader takes its driver long to compile. */
  readonly software: boolean;
  /** Why the device is gone; undefined while it is there. */
  lost(): string | undefined;
  /** What the device has reported as wrong since it was last asked. */
  takeFault(): string | undefined;
}

/** Bytes that one binding of a shader may cover. */
export function bindingBytes({ gpu }: WebgpuDevice): number {
  return Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
}
