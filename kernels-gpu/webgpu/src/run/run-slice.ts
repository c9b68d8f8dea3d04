/// <reference types="@webgpu/types" />
import type { Batch } from '@lowbit/core';
import { type Command, encodeCommands } from '../gpu/commands.ts';
import type { Counts } from '../gpu/dispatch.ts';
import type { Plan } from './plan.ts';
import { type RowSlice, writeRows } from './row-buffers.ts';

/** Runs the rows of a slice through all dispatches, in one submission, and reads `length` numbers of `output`. */
export async function runSlice(
  plan: Plan,
  commandsFor: (counts: Counts) => readonly Command[],
  batch: Batch,
  slice: RowSlice,
  output: GPUBuffer,
  length: number,
): Promise<Float32Array> {
  const { start, rows } = slice;
  const counts = writeRows(plan.upload, plan.rows, batch, slice);
  plan.writePositions(batch.positions.subarray(start, start + rows));
  const commands = commandsFor(counts);
  // Tokens of the same sequences follow one another; they differ in what the buffers hold.
  const again = counts.attention?.alone ? commands : undefined;
  return plan.reader.read(output, length, (pass) => encodeCommands(pass, commands), again);
}
