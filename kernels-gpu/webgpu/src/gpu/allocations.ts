/// <reference types="@webgpu/types" />
import { LowbitError } from '@lowbit/core';

/** The buffers that a model takes on a device, and the first that did not fit. */
export interface Allocations {
  /** `gpu.createBuffer`, watched. */
  create(descriptor: GPUBufferDescriptor): GPUBuffer;
  /** @throws LowbitError DEVICE_MEMORY naming the first buffer known not to fit */
  check(): void;
  /** `check`, once the device has answered for every buffer. */
  settle(): Promise<void>;
}

/**
 * WebGPU does not say how much memory there is, and a buffer that does not fit is invalid without an exception: each is
 * created in an error scope of its own.
 */
export function watchAllocations(gpu: GPUDevice, deviceName: string): Allocations {
  const answers: Promise<void>[] = [];
  let taken = 0;
  let failed: { readonly label: string; readonly size: number; readonly taken: number } | undefined;
  const check = () => {
    if (!failed) return;
    throw new LowbitError({
      code: 'DEVICE_MEMORY',
      message: `${deviceName} has no room for ${failed.label || 'a buffer'} of ${failed.size} bytes after the ${failed.taken} bytes that the model took`,
      remedy:
        'Use fewer tokens in the KV cache, a smaller model or another device. With a memory limit it is known before loading.',
    });
  };
  return {
    create(descriptor) {
      const { label = '', size } = descriptor;
      const before = taken;
      taken += size;
      gpu.pushErrorScope('out-of-memory');
      try {
        return gpu.createBuffer(descriptor);
      } finally {
        const answer = gpu.popErrorScope().then(
          (error) => {
            if (error) failed ??= { label, size, taken: before };
          },
          () => {}, // The device is lost, which the next to use it says.
        );
        answers.push(answer);
      }
    },
    check,
    async settle() {
      await Promise.all(answers.splice(0));
      check();
    },
  };
}
