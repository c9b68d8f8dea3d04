import { type Axis, bitsOf, type DType, type ElementType, type Layout, type Stored } from '@lowbit/core';
import { decodeBits, decodeStored } from '@lowbit/numerics';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readBack } from '../gpu/read-back.ts';
import { storageBuffer } from '../gpu/storage-buffer.ts';
import { softwareDevice } from '../test-support/software-device.ts';
import { bitPlaces } from './bit-places.ts';
import { codeForm, numberForm } from './code-form.ts';
import { cutPieces } from './pieces.ts';
import { movesOnDevice, repack } from './repack.ts';
import { createStaging } from './staging.ts';

const words = { U8: 8, I16: 16, I32: 32, I64: 64 } as const satisfies Partial<Record<DType, number>>;
type WordType = keyof typeof words;

/** Numbers of packed integers in a tensor of random bytes, in layouts as formats have them and in others. */
const layouts = fc
  .record({
    dtype: fc.constantFrom<WordType>('U8', 'I16', 'I32', 'I64'),
    type: fc.constantFrom<ElementType>(
      'u2',
      'i3',
      'u3',
      'u4',
      'i4',
      'u5',
      'i6',
      'u8',
      'i8',
      'f4e2m1',
      'f6e2m3',
      'f8e4m3',
    ),
    packing: fc.constantFrom('out', 'in', 'stream in', 'stream out'),
    inFirst: fc.boolean(),
    add: fc.constantFrom<Layout['add']>(
      undefined,
      { value: 1, carry: 'field' },
      { value: -8, carry: 'field' },
      { value: 1, carry: 'word' },
    ),
    rows: fc.integer({ min: 1, max: 41 }),
    columns: fc.integer({ min: 1, max: 70 }),
    seed: fc.integer(),
  })
  .filter(
    ({ dtype, packing, add, type }) =>
      bitsOf(type) <= words[dtype] &&
      !(packing.startsWith('stream') && add?.carry === 'word' && words[dtype] % bitsOf(type) !== 0),
  );

type Drawn = typeof layouts extends fc.Arbitrary<infer One> ? One : never;

function storedOf({ dtype, type, packing, inFirst, add, rows, columns }: Drawn): Stored {
  const bits = bitsOf(type);
  const word = words[dtype];
  const packedAxis: Axis = packing.endsWith('in') ? 'in' : 'out';
  const axes: readonly Axis[] = inFirst ? ['in', 'out'] : ['out', 'in'];
  const sizes = { in: columns, out: rows, expert: 1 };
  const perWord = Math.floor(word / bits);
  const stream = packing.startsWith('stream');
  const shape = axes.map((axis) => {
    if (axis !== packedAxis) return sizes[axis];
    return stream ? Math.ceil((sizes[axis] * bits) / word) : Math.ceil(sizes[axis] / perWord);
  });
  const layout: Layout = {
    axes: axes.map((axis) => [{ axis, divide: axis === packedAxis && !stream ? perWord : 1 }]),
    packed: stream
      ? { bits, word, stream: axes.indexOf(packedAxis) }
      : { bits, word, fields: [{ axis: packedAxis, divide: 1, modulo: perWord }] },
    ...(add ? { add } : {}),
  };
  const bytes = (shape.reduce((product, size) => product * size, 1) * word) / 8;
  return { ref: { name: 'codes', dtype, shape, file: '', start: 0, end: bytes }, type, layout };
}

function randomBytes(length: number, seed: number): Uint8Array {
  let state = seed | 0;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
}

it('moves the codes of random layouts as numerics does', async (context) => {
  const device = await softwareDevice(context);
  const staging = createStaging(device);
  await fc.assert(
    fc.asyncProperty(layouts, async (drawn) => {
      const stored = storedOf(drawn);
      fc.pre(movesOnDevice(stored));
      const { rows, columns, seed, type } = drawn;
      const bytes = randomBytes(stored.ref.end, seed);
      const form = codeForm(type);
      const rowWords = Math.ceil(columns / (32 / form.bits));
      const firstRow = Math.floor(rows / 3);
      const target = storageBuffer(device, 4 * (rows - firstRow) * rowWords + 8);
      const task = { stored, rows, columns, firstRow, lastRow: rows, form, target, offset: 2, rowWords };
      await repack(device, staging, task, bytes);
      const moved = new Uint32Array(
        (await readBack(device, target, 2 + (rows - firstRow) * rowWords, () => {})).buffer,
      );
      target.destroy();
      const codes = decodeBits(stored, bytes, [
        ['out', rows],
        ['in', columns],
      ]);
      for (let row = firstRow; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const perWord = 32 / form.bits;
          const slot = column % perWord;
          const bit = form.bits < 8 ? 8 * (slot % 4) + form.bits * Math.floor(slot / 4) : form.bits * slot;
          const word = moved[2 + (row - firstRow) * rowWords + Math.floor(column / perWord)]!;
          const field = (word >>> bit) & (2 ** form.bits - 1);
          expect(field, `row ${row}, column ${column}`).toBe(fieldOf(type, codes[row * columns + column]!));
        }
      }
    }),
    { numRuns: 60 },
  );
  await staging.close();
});

/** What `codeForm` says, in numbers. */
function fieldOf(type: ElementType, code: number): number {
  const bits = bitsOf(type);
  if (type.startsWith('f')) return code;
  const signed = type.startsWith('i');
  if (bits <= 4) return signed ? code ^ (2 ** (bits - 1)) : code;
  const value = signed && code >= 2 ** (bits - 1) ? code - 2 ** bits : code;
  return (signed ? value : value - 128) & 0xff;
}

it.for<[ElementType, DType]>([
  ['f32', 'F32'],
  ['f16', 'F16'],
  ['bf16', 'BF16'],
  ['f8e4m3', 'F8_E4M3'],
  ['f8e5m2', 'F8_E5M2'],
  ['f8e4m3fnuz', 'F8_E4M3FNUZ'],
  ['e8m0', 'U8'],
  ['i16', 'I16'],
  ['u32', 'U32'],
  ['i32', 'I32'],
  ['f64', 'F64'],
  ['i64', 'I64'],
])('decodes %s to the numbers that numerics gives', async ([type, dtype], context) => {
  const device = await softwareDevice(context);
  const [rows, columns] = [16, 33];
  const size = (rows * columns * bitsOf(type)) / 8;
  const stored: Stored = {
    ref: { name: 'table', dtype, shape: [rows, columns], file: '', start: 0, end: size },
    type,
    layout: { axes: [[{ axis: 'out', divide: 1 }], [{ axis: 'in', divide: 1 }]] },
  };
  const bytes = randomBytes(size, 7);
  const target = storageBuffer(device, 4 * rows * columns);
  const staging = createStaging(device);
  const form = numberForm(type);
  await repack(
    device,
    staging,
    { stored, rows, columns, firstRow: 0, lastRow: rows, form, target, offset: 0, rowWords: columns },
    bytes,
  );
  await staging.close();
  const numbers = await readBack(device, target, rows * columns, () => {});
  const expected = decodeStored(stored, bytes, [
    ['out', rows],
    ['in', columns],
  ]);
  for (const [index, value] of expected.entries()) {
    if (Number.isNaN(value)) expect(numbers[index], `number ${index}`).toBeNaN();
    // Drivers may round integers beyond 2^24 either way.
    else if (bitsOf(type) > 16 && !type.startsWith('f')) expect(numbers[index]! / value).toBeCloseTo(1, 6);
    else expect(numbers[index], `number ${index}`).toBe(value);
  }
  target.destroy();
});

it('cuts a tensor that is too large into pieces that leave nothing out', () => {
  const ref = { name: 'w', dtype: 'I32', shape: [40, 50], file: '', start: 0, end: 8000 } as const;
  const stored: Stored = {
    ref,
    type: 'i32',
    layout: { axes: [[{ axis: 'in', divide: 1 }], [{ axis: 'out', divide: 1 }]] },
  };
  const places = bitPlaces(stored, 50, 40);
  const pieces = cutPieces(places, { firstRow: 10, rows: 30, columns: 40, perWord: 1 }, 170);
  for (let row = 10; row < 40; row++) {
    for (let column = 0; column < 40; column++) {
      const word = column * 50 + row;
      const holders = pieces.filter(({ rawStart, rawEnd }) => word >= rawStart && word < rawEnd);
      expect(holders).toHaveLength(1);
      const [{ firstRow, numRows, firstWord, numWords }] = holders as [(typeof pieces)[number]];
      expect(row >= firstRow && row < firstRow + numRows && column >= firstWord && column < firstWord + numWords).toBe(
        true,
      );
    }
  }
});
