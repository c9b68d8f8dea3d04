/// <reference types="@webgpu/types" />
import { LowbitError } from '@lowbit/core';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { usage } from './storage-buffer.ts';

/** Runs what `encode` records as one submission, and reads the first numbers of a buffer. */
export async function readBack(
  device: WebgpuDevice,
  source: GPUBuffer,
  length: number,
  encode: (pass: GPUComputePassEncoder) => void,
): Promise<Float32Array> {
  const { gpu } = device;
  const size = Math.max(4, length * Float32Array.BYTES_PER_ELEMENT);
  const target = gpu.createBuffer({ size, usage: usage.mapRead | usage.copyTarget });
  try {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encode(pass);
    pass.end();
    if (length > 0) encoder.copyBufferToBuffer(source, 0, target, 0, size);
    gpu.queue.submit([encoder.finish()]);
    await target.mapAsync(1); // GPUMapMode.READ
    const fault = device.takeFault();
    if (fault !== undefined) throw new LowbitError({ code: 'DEVICE_FAULT', message: `${device.name}: ${fault}` });
    return new Float32Array(target.getMappedRange().slice(0)).subarray(0, length);
  } catch (cause) {
    throw deviceError(device, cause);
  } finally {
    target.destroy();
  }
}

/** The error of a run that failed: the device's loss where that is why. */
export function deviceError(device: WebgpuDevice, cause: unknown): unknown {
  const lost = device.lost();
  if (lost === undefined) return cause;
  return new LowbitError({
    code: 'DEVICE_LOST',
    message: `${device.name} was lost: ${lost}`,
    remedy: 'Open the model again.',
    cause,
  });
}
