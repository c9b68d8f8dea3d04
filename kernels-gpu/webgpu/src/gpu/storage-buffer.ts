/// <reference types="@webgpu/types" />
import { LowbitError } from '@lowbit/core';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { bindingBytes } from '../device/webgpu-device.ts';

/** Bits of `GPUBufferUsage`, which does not exist as a global in Node. */
export const usage = { mapRead: 1, mapWrite: 2, copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const;

type Content = Float32Array | Uint32Array | Int32Array;

/**
 * A storage buffer of zeros, or of numbers; at least one element long, as shaders may bind it.
 * @throws LowbitError DEVICE_LIMIT for more than one binding can cover
 */
export function storageBuffer(device: WebgpuDevice, content: number | Content, label = ''): GPUBuffer {
  const bytes = typeof content === 'number' ? content : content.byteLength;
  const size = Math.max(16, Math.ceil(bytes / 16) * 16);
  const limit = bindingBytes(device);
  if (size > limit) {
    throw new LowbitError({
      code: 'DEVICE_LIMIT',
      message: `${label || 'a buffer'} takes ${size} bytes, ${device.name} binds at most ${limit}`,
      remedy: 'Use a shorter context or fewer KV blocks, or another device.',
    });
  }
  // Small tables are bound as uniforms where a shader has no storage binding left.
  const uses = usage.storage | usage.uniform | usage.copySource | usage.copyTarget;
  const descriptor = { size, usage: uses, label };
  const buffer = device.allocations?.create(descriptor) ?? device.gpu.createBuffer(descriptor);
  if (typeof content !== 'number' && bytes > 0)
    device.gpu.queue.writeBuffer(buffer, 0, content as Uint32Array<ArrayBuffer>);
  return buffer;
}
