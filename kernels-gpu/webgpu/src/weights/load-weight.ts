/// <reference types="@webgpu/types" />
import {
  type Blocked,
  type QuantizedWeight,
  type Stored,
  type TensorBytes,
  TensorError,
  type TensorRef,
} from '@lowbit/core';
import { decodeCodes } from '@lowbit/numerics';
import { bindingBytes, type WebgpuDevice } from '../device/webgpu-device.ts';
import { createDispatch } from '../gpu/dispatch.ts';
import { splitRows } from '../gpu/split-rows.ts';
import { storageBuffer, usage } from '../gpu/storage-buffer.ts';
import { numberForm } from '../load/code-form.ts';
import { repack } from '../load/repack.ts';
import type { Staging } from '../load/staging.ts';
import floats from '../numbers/floats.wgsl';
import applyTable from './apply-table.wgsl';
import { type DeviceWeight, tablePlaces, type WeightPart, wideForm } from './device-weight.ts';
import { packTables } from './pack-tables.ts';
import { commonForm, rowWords } from './weight-form.ts';

export interface LoadContext {
  readonly device: WebgpuDevice;
  readonly staging: Staging;
  readonly bytes: TensorBytes;
}

/** What is done once the bytes of a tensor are there. */
type Task = (bytes: Uint8Array) => Promise<void>;

/**
 * Brings weights of one form to the device, one below the other: matrices of one shape, or with `joined` parts of one matrix.
 * Each tensor is read once, also where many experts lie in it.
 * @throws LayoutError, TensorError where tensors are not what the description says
 */
export async function loadWeight(
  context: LoadContext,
  module: string,
  weights: readonly QuantizedWeight[],
  joined = false,
): Promise<DeviceWeight> {
  const { device } = context;
  const form = commonForm(weights, module);
  const { inFeatures } = weights[0]!;
  const rows = weights.reduce((sum, { outFeatures }) => sum + outFeatures, 0);
  const indices = form.indexed ? await readGroupIndices(weights, context) : [];
  const groups = form.indexed
    ? 1 + indices.flatMap((index) => [...index]).reduce((most, group) => Math.max(most, group), 0)
    : Math.ceil(inFeatures / form.groupSize);
  const wide = wideForm(form);
  let parts = createParts(context, module, rows, wide, groups, indices);

  const tasks = new Map<TensorRef, Task[]>();
  const onceRead = (ref: TensorRef, task: Task) => tasks.set(ref, [...(tasks.get(ref) ?? []), task]);
  let next = 0;
  for (const weight of weights) {
    const { outFeatures } = weight;
    const firstOfMatrix = next;
    next += outFeatures;
    const each = (act: (part: WeightPart, firstRow: number, lastRow: number) => Promise<void>) => async () => {
      for (const part of parts) {
        const firstRow = Math.max(part.firstRow - firstOfMatrix, 0);
        const lastRow = Math.min(part.firstRow + part.rows - firstOfMatrix, outFeatures);
        if (firstRow < lastRow) await act(part, firstRow, lastRow);
      }
    };
    onceRead(weight.codes.ref, (bytes) =>
      each((part, firstRow, lastRow) => {
        const offset = (firstOfMatrix + firstRow - part.firstRow) * form.rowWords;
        const place = { target: part.codes, offset, rowWords: form.rowWords };
        const table = { stored: weight.codes, rows: outFeatures, columns: inFeatures, form: form.code };
        return repack(device, context.staging, { ...table, ...place, firstRow, lastRow }, bytes);
      })(),
    );
    for (const { table, kind, operation } of tablesOf(weight)) {
      onceRead(table.ref, async (bytes) => {
        const decoded = await decodeTable(context, table, weight, groups, bytes);
        await each((part, firstRow, lastRow) => {
          const at = tablePlaces(wide, groups, part.rows)[kind] + (firstOfMatrix + firstRow - part.firstRow) * groups;
          return apply(device, decoded, {
            target: part.tables,
            at,
            firstRow,
            rows: lastRow - firstRow,
            groups,
            operation,
            groupSize: form.groupSize,
          });
        })();
        decoded.buffer.destroy();
      });
    }
  }
  try {
    for (const [ref, list] of tasks) {
      const bytes = await context.bytes.read(ref);
      for (const task of list) await task(bytes);
    }
    const packed: WeightPart[] = [];
    for (const part of parts) {
      packed.push({
        ...part,
        tables: await packTables(device, form, groups, part.rows, part.tables, `${module}: scales`),
      });
    }
    parts = packed;
  } catch (error) {
    release(parts);
    throw error;
  }
  const words = rowWords(form, groups);
  const bytes = 4 * (rows * (words.codes + words.tables) + indices.length * inFeatures);
  return {
    outFeatures: joined ? rows : weights[0]!.outFeatures,
    inFeatures,
    matrices: joined ? 1 : weights.length,
    form,
    groups,
    parts,
    bytes,
    release: () => release(parts),
  };
}

function release(parts: readonly WeightPart[]): void {
  for (const { codes, tables } of parts) {
    codes.destroy();
    tables.destroy();
  }
}

function createParts(
  { device }: LoadContext,
  module: string,
  rows: number,
  form: ReturnType<typeof commonForm>,
  groups: number,
  indices: readonly Int32Array[],
): readonly WeightPart[] {
  const words = rowWords(form, groups);
  const indexWords = indices.reduce((sum, index) => sum + index.length, 0);
  const limit = bindingBytes(device) / 4;
  const most = Math.floor(Math.min(limit / words.codes, (limit - indexWords) / Math.max(1, words.tables)));
  const rowsPerPart = Math.max(1, most);
  const parts: WeightPart[] = [];
  for (let firstRow = 0; firstRow < rows; firstRow += rowsPerPart) {
    const count = Math.min(rowsPerPart, rows - firstRow);
    const codes = storageBuffer(device, 4 * count * words.codes, `${module}: codes`);
    const numbers = new Float32Array(count * words.tables + indexWords);
    const { scale, zero, shift, groupOf } = tablePlaces(form, groups, count);
    numbers.fill(1, scale, zero);
    numbers.fill(form.code.offset, zero, shift);
    const integers = new Int32Array(numbers.buffer);
    let place = groupOf;
    for (const index of indices) {
      integers.set(index, place);
      place += index.length;
    }
    parts.push({ firstRow, rows: count, codes, tables: storageBuffer(device, numbers, `${module}: scales`) });
  }
  return parts;
}

const operations = { multiply: 0, divide: 1, add: 2 } as const;

interface TableUse {
  readonly table: Blocked;
  readonly kind: 'scale' | 'zero' | 'shift';
  readonly operation: keyof typeof operations;
}

function tablesOf({ scales, zero, shift }: QuantizedWeight): readonly TableUse[] {
  return [
    ...scales.map((table) => ({ table, kind: 'scale', operation: table.divide ? 'divide' : 'multiply' }) as const),
    ...(zero ? [{ table: zero, kind: 'zero', operation: 'add' } as const] : []),
    ...(shift ? [{ table: shift, kind: 'shift', operation: 'add' } as const] : []),
  ];
}

/** A table of a weight as f32 numbers, `[rows, columns]`. */
interface DecodedTable {
  readonly buffer: GPUBuffer;
  readonly columns: number;
  readonly blockRows: number;
  /** 0: its columns are the groups. */
  readonly blockColumns: number;
}

async function decodeTable(
  { device, staging }: LoadContext,
  table: Blocked,
  { outFeatures, inFeatures }: QuantizedWeight,
  groups: number,
  bytes: Uint8Array,
): Promise<DecodedTable> {
  const [blockRows, blockColumns] = table.block;
  const rows = Math.ceil(outFeatures / blockRows);
  const columns = table.indexed ? groups : Math.ceil(inFeatures / blockColumns);
  const target = storageBuffer(device, 4 * rows * columns, table.ref.name);
  const form = numberForm(table.type);
  const task = { stored: table, rows, columns, firstRow: 0, lastRow: rows, form, target, offset: 0, rowWords: columns };
  await repack(device, staging, task, bytes);
  return { buffer: target, columns, blockRows, blockColumns: table.indexed ? 0 : blockColumns };
}

async function apply(
  device: WebgpuDevice,
  { buffer, columns, blockRows, blockColumns }: DecodedTable,
  task: {
    readonly target: GPUBuffer;
    readonly at: number;
    readonly firstRow: number;
    readonly rows: number;
    readonly groups: number;
    readonly groupSize: number;
    readonly operation: keyof typeof operations;
  },
): Promise<void> {
  const { target, at, firstRow, rows, groups, groupSize, operation } = task;
  const { gpu } = device;
  const numbers = gpu.createBuffer({ size: 32, usage: usage.uniform | usage.copyTarget });
  const words = Uint32Array.of(firstRow, rows, groups, groupSize, blockRows, blockColumns, columns, at);
  gpu.queue.writeBuffer(numbers, 0, words);
  const dispatch = await createDispatch(device, {
    label: 'apply table',
    source: [floats, applyTable].join('\n'),
    constants: { OPERATION: operations[operation] },
    bindings: {
      table: { buffer, type: 'f32' },
      numbers: { buffer: target, type: 'f32', access: 'write' },
      task: { buffer: numbers, type: 'Task', access: 'uniform' },
    },
    workgroups: () => [Math.ceil(groups / 64), ...splitRows(rows)],
  });
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  dispatch.encode(pass, { rows: 0, logitRows: 0 });
  pass.end();
  gpu.queue.submit([encoder.finish()]);
  numbers.destroy();
}

/** Group of each column, of each weight. */
async function readGroupIndices(
  weights: readonly QuantizedWeight[],
  { bytes }: LoadContext,
): Promise<readonly Int32Array[]> {
  const indices: Int32Array[] = [];
  for (const { groupIndex, inFeatures, codes } of weights) {
    const stored: Stored = groupIndex ?? fail(codes.ref.name, 'a group index', 'none');
    const index = decodeCodes(stored, await bytes.read(stored.ref), [['in', inFeatures]]);
    const negative = index.find((group) => group < 0);
    if (negative !== undefined) fail(stored.ref.name, 'group numbers from 0 on', `group ${negative}`);
    indices.push(index);
  }
  return indices;
}

function fail(tensor: string, expected: string, actual: string): never {
  throw new TensorError({ code: 'TENSOR_DATA', tensor, expected, actual });
}
