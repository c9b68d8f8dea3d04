/// <reference types="@webgpu/types" />
import type { Batch } from '@lowbit/core';
import type { Dispatch } from '../gpu/dispatch.ts';
import { readBack } from '../gpu/read-back.ts';
import type { Plan } from './plan.ts';
import { type RowSlice, writeRows } from './row-buffers.ts';

/** Runs the rows of a slice through all dispatches, one submission, and reads `length` numbers of `output`. */
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
  return readBack(plan.device, output, length, (pass) => {
    for (const dispatch of dispatches) dispatch.encode(pass, counts);
  });
}
