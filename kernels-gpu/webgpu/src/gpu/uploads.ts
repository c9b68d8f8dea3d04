/// <reference types="@webgpu/types" />

type Numbers = Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** Writes numbers to the start of a buffer, unless they are there from the last time. The array must not change later. */
export type Upload = (buffer: GPUBuffer, numbers: Numbers) => void;

/** For buffers that are written by nothing else. */
export function createUpload(gpu: GPUDevice): Upload {
  const written = new Map<GPUBuffer, Numbers>();
  return (buffer, numbers) => {
    const before = written.get(buffer);
    const same =
      before && before.length >= numbers.length && numbers.every((number, i) => Object.is(number, before[i]));
    if (same || numbers.length === 0) return;
    gpu.queue.writeBuffer(buffer, 0, numbers);
    written.set(buffer, numbers);
  };
}
