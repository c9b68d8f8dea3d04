/// <reference types="@webgpu/types" />
import type { Batch, KvCacheSize, Phase } from '@lowbit/core';
import { divideRows } from '../attention/divide-rows.ts';
import { stretchesOf } from '../attention/stretches.ts';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import type { Counts } from '../gpu/dispatch.ts';
import { storageBuffer, usage } from '../gpu/storage-buffer.ts';
import type { Upload } from '../gpu/uploads.ts';

/** What every operation of a run knows of its rows. Phases are 0 for a prompt and 1 for tokens that the model made. */
export interface RowBuffers {
  /** Most rows of one run, and most rows whose logits it gives. */
  readonly capacity: number;
  readonly logitCapacity: number;
  /** Uniform: rows, logit rows, stretches of attention, positions of a stretch. */
  readonly counts: GPUBuffer;
  readonly tokenIds: GPUBuffer;
  readonly phases: GPUBuffer;
  /** As attention/pages.wgsl reads it. */
  readonly pages: GPUBuffer;
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
    pages: storageBuffer(device, 4 * (pageEntries * capacity + capacity + kvCache.blocks)),
    logitRows: perRow(),
    logitPhases: perRow(),
  };
  return { capacity, logitCapacity, ...buffers, all: Object.values(buffers) };
}

/** Of each row, before the block tables. */
const pageEntries = 4;

/** Rows of a batch that fit one run, with the logits asked of them; `start` is the first. */
export interface RowSlice {
  readonly start: number;
  readonly rows: number;
  readonly phases: Uint32Array<ArrayBuffer>;
  /** Of each row: where the blocks of its sequence begin in `blockTable`. */
  readonly places: readonly number[];
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
    const placeOf = new Map<unknown, number>();
    const phases: number[] = [];
    const places: number[] = [];
    let row = start;
    for (; row < tokenIds.length && row - start < capacity; row++) {
      if (wanted.has(row) && ownLogitRows.length === logitCapacity) break;
      const sequence = sequenceOf[row]!;
      if (!placeOf.has(sequence)) {
        const last = positions[sequence.firstRow + sequence.rows - 1]!;
        const own = sequence.blocks.subarray(0, Math.floor(last / blockSize) + 1);
        if (blockTable.length + own.length > capacity + blocks) break;
        placeOf.set(sequence, blockTable.length);
        blockTable.push(...own);
      }
      phases.push(phaseNumbers[sequence.phase ?? 'prefill']);
      places.push(placeOf.get(sequence)!);
      if (wanted.has(row)) ownLogitRows.push(row - start);
    }
    slices.push({
      start,
      rows: row - start,
      phases: Uint32Array.from(phases),
      places,
      blockTable,
      logitRows: ownLogitRows,
    });
    start = row;
  }
  return slices;
}

export function writeRows(upload: Upload, buffers: RowBuffers, batch: Batch, slice: RowSlice): Counts {
  const { start, rows, phases, places, blockTable, logitRows } = slice;
  const positions = batch.positions.subarray(start, start + rows);
  const { singles, tiles } = divideRows(places);
  const longest = singles.reduce((most, row) => Math.max(most, positions[row]! + 1), 0);
  const { stretches, positions: positionsOfStretch } = stretchesOf(singles.length, longest, buffers.capacity);
  const pages = new Uint32Array(pageEntries * rows + blockTable.length);
  for (let row = 0; row < rows; row++) {
    pages.set(
      [positions[row]!, pageEntries * rows + places[row]!, singles[row] ?? 0, tiles[row] ?? 0],
      pageEntries * row,
    );
  }
  pages.set(blockTable, pageEntries * rows);
  upload(buffers.counts, Uint32Array.of(rows, logitRows.length, stretches, positionsOfStretch));
  upload(buffers.tokenIds, Int32Array.from(batch.tokenIds.subarray(start, start + rows)));
  upload(buffers.phases, phases);
  upload(buffers.pages, pages);
  upload(buffers.logitRows, Uint32Array.from(logitRows));
  upload(
    buffers.logitPhases,
    Uint32Array.from(logitRows, (row) => phases[row]!),
  );
  const alone = new Set(places).size === rows;
  const attention = { singles: singles.length, tiles: tiles.length, stretches, alone };
  return { rows, logitRows: logitRows.length, attention };
}
