/// <reference types="@webgpu/types" />
import { bitsOf, type Stored } from '@lowbit/core';
import { addPerField, decodeStored } from '@lowbit/numerics';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { createDispatch } from '../gpu/dispatch.ts';
import { splitRows } from '../gpu/split-rows.ts';
import { storageBuffer, usage } from '../gpu/storage-buffer.ts';
import floats from '../numbers/floats.wgsl';
import { type BitPlaces, bitPlaces } from './bit-places.ts';
import type { CodeForm } from './code-form.ts';
import { cutPieces, type Piece, wholePiece } from './pieces.ts';
import shader from './repack.wgsl';
import { pieceBytes, type Staging } from './staging.ts';

/** Some rows of a stored table `[rows, columns]`, and where they go: the first at word `offset` of the buffer. */
export interface RepackTask {
  readonly stored: Stored;
  /** Of the whole table. */
  readonly rows: number;
  readonly columns: number;
  readonly firstRow: number;
  readonly lastRow: number;
  readonly form: CodeForm;
  readonly target: GPUBuffer;
  readonly offset: number;
  readonly rowWords: number;
}

/** Whether a table is moved by the shader: 64-bit numbers, and sums that run through 64-bit words, are not. */
export function movesOnDevice({ type, layout: { packed, add } }: Pick<Stored, 'type' | 'layout'>): boolean {
  return bitsOf(type) <= 32 && !(packed && add?.carry === 'word' && packed.word === 64);
}

/**
 * Repacks a stored table on the device.
 * @param bytes the whole stored tensor
 * @throws LayoutError where layout, tensor and size do not fit
 */
export async function repack(
  device: WebgpuDevice,
  staging: Staging,
  task: RepackTask,
  bytes: Uint8Array,
): Promise<void> {
  const { stored, rows, columns, firstRow, lastRow } = task;
  if (rows * columns === 0) return;
  if (!movesOnDevice(stored)) return copyDecoded(device, task, bytes);
  const places = bitPlaces(stored, rows, columns);
  const part = { firstRow, rows: lastRow - firstRow, columns, perWord: 32 / task.form.bits };
  const rowPlaces = storageBuffer(device, places.rows);
  const columnPlaces = storageBuffer(device, places.columns);
  const temporary = [rowPlaces, columnPlaces];
  const encode = async (encoder: GPUCommandEncoder, raw: GPUBuffer, piece: Piece) => {
    const numbers = device.gpu.createBuffer({ size: 64, usage: usage.uniform | usage.copyTarget });
    temporary.push(numbers);
    device.gpu.queue.writeBuffer(numbers, 0, taskNumbers(task, places, piece));
    const dispatch = await repackDispatch(device, task, places, piece, { rowPlaces, columnPlaces, raw, numbers });
    const pass = encoder.beginComputePass();
    dispatch.encode(pass, { rows: 0, logitRows: 0 });
    pass.end();
  };
  try {
    if (places.stream) {
      // The bits of one code may lie far apart: the whole tensor is there at once.
      const raw = storageBuffer(device, bytes.length + 4, stored.ref.name);
      temporary.push(raw);
      for (let start = 0; start < bytes.length; start += pieceBytes) {
        const piece = bytes.subarray(start, start + pieceBytes);
        const size = Math.ceil(piece.length / 4) * 4;
        await staging.send(piece, (encoder, sent) => encoder.copyBufferToBuffer(sent, 0, raw, start, size));
      }
      const encoder = device.gpu.createCommandEncoder();
      await encode(encoder, raw, wholePiece(Math.ceil(bytes.length / 4), part));
      device.gpu.queue.submit([encoder.finish()]);
    } else {
      for (const piece of cutPieces(places, part, pieceBytes / 4 - 1)) {
        // One word more: the last code may run over.
        const sent = bytes.subarray(4 * piece.rawStart, 4 * piece.rawEnd + 4);
        await staging.send(sent, (encoder, raw) => encode(encoder, raw, piece));
      }
    }
  } finally {
    for (const buffer of temporary) buffer.destroy();
  }
}

function repackDispatch(
  device: WebgpuDevice,
  { stored, form, target }: RepackTask,
  { stream }: BitPlaces,
  { numRows, numWords }: Piece,
  {
    rowPlaces,
    columnPlaces,
    raw,
    numbers,
  }: Readonly<Record<'rowPlaces' | 'columnPlaces' | 'raw' | 'numbers', GPUBuffer>>,
) {
  const { packed, add } = stored.layout;
  return createDispatch(device, {
    label: 'repack',
    source: [floats, `fn convert(code: u32) -> u32 { return ${form.convert}; }`, shader].join('\n'),
    constants: {
      CODE_BITS: bitsOf(stored.type),
      OUT_BITS: form.bits,
      STREAM: stream ? 1 : 0,
      CARRY_WORD: packed && add?.carry === 'word' ? packed.word : 0,
    },
    bindings: {
      raw: { buffer: raw, type: 'u32' },
      rows: { buffer: rowPlaces, type: 'vec2u' },
      columns: { buffer: columnPlaces, type: 'vec2u' },
      packed: { buffer: target, type: 'u32', access: 'write' },
      task: { buffer: numbers, type: 'Task', access: 'uniform' },
    },
    workgroups: () => [Math.ceil(numWords / 64), ...splitRows(numRows)],
  });
}

/** `Task` of repack.wgsl. */
function taskNumbers(
  { stored, columns, firstRow, offset, rowWords }: RepackTask,
  { stream }: BitPlaces,
  piece: Piece,
): Uint32Array<ArrayBuffer> {
  const { packed, add } = stored.layout;
  let addend = 0;
  if (packed && add?.carry === 'word') {
    const fields = Math.floor(packed.word / packed.bits);
    for (let field = 0; field < fields; field++)
      addend = (addend + Math.imul(add.value, 2 ** (field * packed.bits))) | 0;
  }
  return Uint32Array.of(
    piece.rawStart,
    piece.rawEnd,
    piece.firstRow,
    piece.numRows,
    piece.firstWord,
    piece.numWords,
    columns,
    rowWords,
    offset,
    firstRow,
    addPerField(stored.layout),
    addend,
    stream?.word ?? 0,
    stream?.words ?? 0,
    stream?.inner ?? 0,
    0,
  );
}

/** Numbers of 64 bits, in small tables only: decoded here, one f32 to a word. */
function copyDecoded(device: WebgpuDevice, task: RepackTask, bytes: Uint8Array): void {
  const { stored, rows, columns, firstRow, lastRow, target, offset, rowWords } = task;
  const numbers = decodeStored(stored, bytes, [
    ['out', rows],
    ['in', columns],
  ]);
  for (let row = firstRow; row < lastRow; row++) {
    const place = 4 * (offset + (row - firstRow) * rowWords);
    device.gpu.queue.writeBuffer(target, place, numbers.slice(row * columns, (row + 1) * columns));
  }
}
