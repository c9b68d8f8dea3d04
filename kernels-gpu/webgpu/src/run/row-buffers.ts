/// <reference types="@webgpu/types" />
import type { Batch, KvCacheSize, Phase } from '@lowbit/core';
import { stretchesOf } from '../attention/stretches.ts';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import type { Counts } from '../gpu/dispatch.ts';
import { storageBuffer, usage } from '../gpu/storage-buffer.ts';

/** What every operation of a run knows of its rows. Phases are 0 for a prompt and 1 for tokens that the model made. */
export interface RowBuffers {
  /** Most rows of one run, and most rows whose logits it gives. */
  readonly capacity: number;
  readonly logitCapacity: number;
  /** Uniform: rows, logit rows, stretches of attention, positions of a stretch. */
  readonly counts: GPUBuffer;
  readonly tokenIds: GPUBuffer;
  readonly phases: GPUBuffer;
  /** Of each row `[2]`: position, and first entry of its sequence in the block table. */
  readonly pages: GPUBuffer;
  readonly blockTable: GPUBuffer;
  readonly logitRows: GPUBuffer;
  readonly logitPhases: GPUBuffer;
  readonly all: readonly GPUBuffer[];
}

export const phaseNumbers: Readonly<Record<Phase, number>> = { prefill: 0, decode: 1 };

export function createRowBuffers(
  device: WebgpuDevice,
  { capacity, logitCapacity }: Pick<RowBuffers, 'capacity' | 'logitCapacity'>,
  kvCache: KvCacheSize,
): RowBuffers {
  const counts = device.gpu.createBuffer({ size: 16, usage: usage.uniform | usage.copyTarget, label: 'counts' });
  const perRow = () => storageBuffer(device, 4 * capacity);
  const buffers = {
    counts,
    tokenIds: perRow(),
    phases: perRow(),
    pages: storageBuffer(device, 8 * capacity),
    blockTable: storageBuffer(device, 4 * (capacity + kvCache.blocks)),
    logitRows: perRow(),
    logitPhases: perRow(),
  };
  return { capacity, logitCapacity, ...buffers, all: Object.values(buffers) };
}

/** Rows of a batch that fit one run, with the logits asked of them; `start` is the first. */
export interface RowSlice {
  readonly start: number;
  readonly rows: number;
  readonly phases: Uint32Array<ArrayBuffer>;
  /** As `RowBuffers` has them. */
  readonly pages: Uint32Array<ArrayBuffer>;
  readonly blockTable: readonly number[];
  /** Counted from the slice's first row. */
  readonly logitRows: readonly number[];
}

/** Cuts a batch into slices: in order, so that every row finds the keys of those before it. */
export function sliceRows(
  { tokenIds, sequences, logitRows, positions }: Batch,
  { capacity, logitCapacity }: Pick<RowBuffers, 'capacity' | 'logitCapacity'>,
  { blockSize, blocks }: KvCacheSize,
): readonly RowSlice[] {
  const slices: RowSlice[] = [];
  const sequenceOf = sequences.flatMap((sequence) => Array<(typeof sequences)[number]>(sequence.rows).fill(sequence));
  const wanted = new Set(logitRows);
  for (let start = 0; start < tokenIds.length; ) {
    const ownLogitRows: number[] = [];
    const blockTable: number[] = [];
    const places = new Map<unknown, number>();
    const phases: number[] = [];
    const pages: number[] = [];
    let row = start;
    for (; row < tokenIds.length && row - start < capacity; row++) {
      if (wanted.has(row) && ownLogitRows.length === logitCapacity) break;
      const sequence = sequenceOf[row]!;
      if (!places.has(sequence)) {
        const last = positions[sequence.firstRow + sequence.rows - 1]!;
        const own = sequence.blocks.subarray(0, Math.floor(last / blockSize) + 1);
        if (blockTable.length + own.length > capacity + blocks) break;
        places.set(sequence, blockTable.length);
        blockTable.push(...own);
      }
      phases.push(phaseNumbers[sequence.phase ?? 'prefill']);
      pages.push(positions[row]!, places.get(sequence)!);
      if (wanted.has(row)) ownLogitRows.push(row - start);
    }
    slices.push({
      start,
      rows: row - start,
      phases: Uint32Array.from(phases),
      pages: Uint32Array.from(pages),
      blockTable,
      logitRows: ownLogitRows,
    });
    start = row;
  }
  return slices;
}

export function writeRows({ gpu }: WebgpuDevice, buffers: RowBuffers, batch: Batch, slice: RowSlice): Counts {
  const { start, rows, phases, pages, blockTable, logitRows } = slice;
  const write = (buffer: GPUBuffer, numbers: Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>) => {
    if (numbers.length > 0) gpu.queue.writeBuffer(buffer, 0, numbers);
  };
  const context = batch.positions.subarray(start, start + rows).reduce((most, one) => Math.max(most, one + 1), 0);
  const { stretches, positions } = stretchesOf(rows, context, buffers.capacity);
  write(buffers.counts, Uint32Array.of(rows, logitRows.length, stretches, positions));
  write(buffers.tokenIds, Int32Array.from(batch.tokenIds.subarray(start, start + rows)));
  write(buffers.phases, phases);
  write(buffers.pages, pages);
  write(buffers.blockTable, Uint32Array.from(blockTable));
  write(buffers.logitRows, Uint32Array.from(logitRows));
  write(
    buffers.logitPhases,
    Uint32Array.from(logitRows, (row) => phases[row]!),
  );
  return { rows, logitRows: logitRows.length, stretches };
}
