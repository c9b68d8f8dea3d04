/// <reference types="@webgpu/types" />
import type { Batch } from '@lowbit/core';
import type { Dispatch } from '../gpu/dispatch.ts';
import type { Plan } from './plan.ts';
import { type RowSlice, writeRows } from './row-buffers.ts';

/** So many dispatches are submitted at once: the device begins while the rest is recorded. */
const submitted = 64;

/** Runs the rows of a slice through all dispatches and reads `length` numbers of `output`. */
export async function runSlice(
  plan: Plan,
  dispatches: readonly Dispatch[],
  batch: Batch,
  slice: RowSlice,
  output: GPUBuffer,
  length: number,
): Promise<Float32Array> {
  const { start, rows } = slice;
  const counts = writeRows(plan.device, plan.rows, batch, slice);
  plan.writePositions(batch.positions.subarray(start, start + rows));
  const last = Math.floor((dispatches.length - 1) / submitted) * submitted;
  const { gpu } = plan.device;
  for (let first = 0; first < last; first += submitted) {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const dispatch of dispatches.slice(first, first + submitted)) dispatch.encode(pass, counts);
    pass.end();
    gpu.queue.submit([encoder.finish()]);
  }
  return plan.reader.read(output, length, (pass) => {
    for (const dispatch of dispatches.slice(Math.max(0, last))) dispatch.encode(pass, counts);
  });
}
