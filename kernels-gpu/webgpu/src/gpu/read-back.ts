/// <reference types="@webgpu/types" />
import { LowbitError } from '@lowbit/core';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { usage } from './storage-buffer.ts';

/** Reads what the device computed; holds the buffer that the host may map. */
export interface Reader {
  /**
   * Submits what `encode` records, and reads the first numbers of a buffer. One call at a time.
   * @param again stands for all that `encode` will record where the next call is probably the same but for the contents of
   * buffers: it is recorded for that call while the device works on this one
   */
  read(
    source: GPUBuffer,
    length: number,
    encode: (pass: GPUComputePassEncoder) => void,
    again?: object,
  ): Promise<Float32Array>;
  release(): void;
}

/** What was recorded ahead, and for which call. */
interface Recorded {
  readonly again: object;
  readonly source: GPUBuffer;
  readonly size: number;
  readonly target: GPUBuffer;
  readonly commands: GPUCommandBuffer;
}

export function createReader(device: WebgpuDevice): Reader {
  const { gpu } = device;
  let mapped: GPUBuffer | undefined;
  const bufferFor = (size: number) => {
    if (mapped && mapped.size >= size) return mapped;
    mapped?.destroy();
    mapped = gpu.createBuffer({ size, usage: usage.mapRead | usage.copyTarget, label: 'read back' });
    return mapped;
  };
  const record = (
    source: GPUBuffer,
    size: number,
    target: GPUBuffer,
    encode: (pass: GPUComputePassEncoder) => void,
  ) => {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encode(pass);
    pass.end();
    if (size > 0) encoder.copyBufferToBuffer(source, 0, target, 0, size);
    return encoder.finish();
  };
  let ahead: Recorded | undefined;
  const recorded = (again: object | undefined, source: GPUBuffer, size: number, target: GPUBuffer) => {
    const found = ahead;
    ahead = undefined;
    if (again === undefined || found?.again !== again) return undefined;
    return found.source === source && found.size === size && found.target === target ? found.commands : undefined;
  };
  return {
    async read(source, length, encode, again) {
      const copied = length * Float32Array.BYTES_PER_ELEMENT;
      const size = Math.max(4, copied);
      try {
        const buffer = bufferFor(size);
        const commands = recorded(again, source, copied, buffer) ?? record(source, copied, buffer, encode);
        gpu.queue.submit([commands]);
        if (again)
          ahead = { again, source, size: copied, target: buffer, commands: record(source, copied, buffer, encode) };
        await buffer.mapAsync(1, 0, size); // GPUMapMode.READ
        const numbers = new Float32Array(buffer.getMappedRange(0, size).slice(0)).subarray(0, length);
        buffer.unmap();
        const fault = device.takeFault();
        if (fault !== undefined) throw new LowbitError({ code: 'DEVICE_FAULT', message: `${device.name}: ${fault}` });
        return numbers;
      } catch (cause) {
        throw deviceError(device, cause);
      }
    },
    release() {
      ahead = undefined;
      mapped?.destroy();
      mapped = undefined;
    },
  };
}

/** `Reader.read` once. */
export async function readBack(
  device: WebgpuDevice,
  source: GPUBuffer,
  length: number,
  encode: (pass: GPUComputePassEncoder) => void,
): Promise<Float32Array> {
  const reader = createReader(device);
  return reader.read(source, length, encode).finally(() => reader.release());
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
