/// <reference types="@webgpu/types" />
import type { Batch, KvCacheSize, TopLogits, TopRequest } from '@lowbit/core';
import type { Command } from '../gpu/commands.ts';
import type { Counts } from '../gpu/dispatch.ts';
import type { Plan } from '../run/plan.ts';
import { sliceRows } from '../run/row-buffers.ts';
import { runSlice } from '../run/run-slice.ts';
import type { SelectBuffers } from './plan-select.ts';
import { emptyChosen, readChosen } from './read-chosen.ts';

/** Can the device choose for every row? Where not, rows whose logits are read anyway make the rest cheap to choose from. */
export function canSelect({ most }: SelectBuffers, { counts }: TopRequest): boolean {
  return counts.length > 0 && counts.every((count) => count > 0 && count <= most);
}

/** `Executable.runTop` of a request that the device can serve. */
export async function runTop(
  plan: Plan,
  commandsFor: (counts: Counts) => readonly Command[],
  { wanted, chosen }: SelectBuffers,
  batch: Batch,
  kvCache: KvCacheSize,
  request: TopRequest,
  goOn: () => boolean,
): Promise<TopLogits> {
  const all = emptyChosen(request);
  const stride = request.counts.reduce((most, count) => Math.max(most, count), 0);
  let firstRow = 0;
  for (const slice of sliceRows(batch, plan.rows, kvCache)) {
    if (!goOn()) break;
    const rows = slice.logitRows.length;
    plan.upload(wanted, Uint32Array.of(stride, ...request.counts.subarray(firstRow, firstRow + rows)));
    const length = rows * (2 + 2 * stride);
    const withTop = (counts: Counts) => commandsFor({ ...counts, top: true });
    readChosen(all, request, firstRow, await runSlice(plan, withTop, batch, slice, chosen, length), stride);
    firstRow += rows;
  }
  const { logSumExp, ...top } = all;
  return { ...top, ...(request.logSumExp ? { logSumExp } : {}), logits: new Float32Array() };
}
