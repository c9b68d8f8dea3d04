import type { Digit, Layout, QuantizedWeight, Stored } from '@lowbit/core';
import { bitsOf, quotient, remainder, whole } from '@lowbit/core';
import { decodeBits, dequantizeWeight } from '@lowbit/numerics';
import { memoryBytes, type SyntheticTensor, tensorReader } from '@lowbit/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findAddon } from '../addon/find-addon.ts';
import { loadAddon } from '../addon/load-addon.ts';
import { weightForm } from './weight-form.ts';
import { planWeight } from './weight-plan.ts';

const found = findAddon();
const types = [
  'u4',
  'i4',
  'u3',
  'i8',
  'u8',
  'u2',
  'f8e4m3',
  'f8e5m2',
  'f8e4m3fnuz',
  'f4e2m1',
  'f6e2m3',
  'bf16',
  'f16',
] as const;
const scaleTypes = ['f32', 'f16', 'bf16', 'f8e4m3', 'e8m0'] as const;
const dtypes = { 8: 'U8', 16: 'U16', 32: 'I32', 64: 'I64' } as const;

/** Whole columns and rows of words, so that every layout of these sizes fits. */
const outFeatures = 64;
const inFeatures = 96;

describe('decodeWeight', () => {
  it('gives what numerics gives, bit for bit, for any layout', async (context) => {
    if ('missing' in found) return context.skip(found.missing);
    await fc.assert(
      fc.asyncProperty(weights(), async ({ weight, tensors }) => {
        const plan = await planWeight(weight, { form: 'decoded' }, memoryBytes(tensors));
        const actual = loadAddon().decodeWeight(plan);
        const expected = dequantizeWeight(weight, tensorReader(tensors));
        const differing = actual.findIndex((value, i) => !Object.is(value, expected[i]));
        expect(differing, `${actual[differing]} instead of ${expected[differing]} at ${differing}`).toBe(-1);
      }),
      { numRuns: 150 },
    );
  });

  it('refuses plans that are wrong, and goes on', async (context) => {
    if ('missing' in found) return context.skip(found.missing);
    const { decodeWeight } = loadAddon();
    const table = { type: 'u8', rows: Float64Array.of(0), columns: Float64Array.of(0, 8) } as const;
    const plan = (codes: object) =>
      ({ form: 'decoded', outFeatures: 1, inFeatures: 2, scales: [], codes: { ...table, ...codes } }) as never;
    const bytes = new Uint8Array(2);
    expect(Array.from(decodeWeight(plan({ source: { bytes } })))).toEqual([0, 0]);
    expect(() => decodeWeight(plan({ source: { bytes: bytes.subarray(1) } }))).toThrow('a code outside its tensor');
    expect(() => decodeWeight(plan({ source: { bytes }, columns: Float64Array.of(0, 1e15) }))).toThrow(
      'a code outside',
    );
    expect(() => decodeWeight(plan({ source: { bytes }, columns: [0, 8] }))).toThrow(
      'weight.codes.columns: expected a Float64Array',
    );
    expect(() => decodeWeight(plan({ source: { file: '/nowhere', start: 0, end: 2 } }))).toThrow(
      '/nowhere: cannot be opened',
    );
    expect(() => decodeWeight(undefined as never)).toThrow('weight: expected an object');
  });
});

describe('packWeight', () => {
  const pack = async (codes: Table, groupSize: number) => {
    const weight = grouped(codes, groupSize);
    const tensors = [codes, scales(groupSize)].map(({ stored, bytes }) => ({ ref: stored.ref, bytes }));
    const packed = loadAddon().packWeight(await planWeight(weight, weightForm(weight), memoryBytes(tensors)));
    const bits = decodeBits(codes.stored, codes.bytes, [
      ['out', outFeatures],
      ['in', inFeatures],
    ]);
    return { ...packed, expected: Array.from(bits, (code) => storedCode(code, codes.stored.type)) };
  };

  it('puts every code in its place, for any layout', async (context) => {
    if ('missing' in found) return context.skip(found.missing);
    const cases = fc.record({
      codes: table(
        'codes',
        fc.constantFrom('u4', 'i4', 'f4e2m1', 'u8', 'i8', 'f8e4m3', 'f8e5m2', 'u3', 'i2'),
        outFeatures,
        inFeatures,
      ),
      groupSize: fc.constantFrom(16, 32, 96),
    });
    const ways = new Set<boolean>();
    await fc.assert(
      fc.asyncProperty(cases, async ({ codes, groupSize }) => {
        const { bytes, asWords, expected } = await pack(codes, groupSize);
        ways.add(asWords);
        const { type } = codes.stored;
        const actual = expected.map((_, index) =>
          codeIn(bytes, Math.floor(index / inFeatures), index % inFeatures, type, groupSize),
        );
        const differing = actual.findIndex((code, index) => code !== expected[index]);
        expect(differing, `${actual[differing]} instead of ${expected[differing]} at ${differing}`).toBe(-1);
      }),
      { numRuns: 300 },
    );
    expect(ways).toEqual(new Set([true, false]));
  });

  const fields = (type: Stored['type'], word: 8 | 32, along: 'in' | 'out', order?: 'evenFirst') =>
    ({
      type,
      transposed: along === 'in' && word === 32,
      packing: { kind: 'fields', bits: bitsOf(type), word, along, order },
    }) as const;
  const bytesOf = (type: Stored['type']) =>
    ({ type, transposed: false, packing: { kind: 'none', bits: 8, word: 8 } }) as const;

  it.for([
    ['4 bits along the inputs, [K/8, N]', fields('u4', 32, 'in')],
    ['8 bits along the inputs, [K/4, N]', fields('u8', 32, 'in')],
    [
      '4 bits along the outputs, even ones first, [K, N/8]',
      { ...fields('u4', 32, 'out', 'evenFirst'), transposed: true },
    ],
    ['4 bits along the inputs, [N, K/8]', { ...fields('i4', 32, 'in'), transposed: false }],
    ['two 4-bit floats in a byte, [N, K/2]', fields('f4e2m1', 8, 'in')],
    ['integers of 8 bits, [N, K]', bytesOf('i8')],
    ['floats of 8 bits, [N, K]', bytesOf('f8e4m3')],
  ] as const)('moves whole words: %s', async ([, { type, transposed, packing }], context) => {
    if ('missing' in found) return context.skip(found.missing);
    const codes = makeTable('codes', type, outFeatures, inFeatures, { transposed, packing, add: null, seed: 1 });
    expect((await pack(codes, 32)).asWords).toBe(true);
  });
});

/** With f16 scales, all of them 1. */
function grouped({ stored }: Table, groupSize: number): QuantizedWeight {
  return { outFeatures, inFeatures, codes: stored, scales: [{ ...scales(groupSize).stored, block: [1, groupSize] }] };
}

function scales(groupSize: number): Table {
  const count = outFeatures * Math.ceil(inFeatures / groupSize);
  const shape = [outFeatures, count / outFeatures];
  const ref = { name: 'scale', dtype: 'F16', shape, file: 'f', start: 0, end: 2 * count } as const;
  const layout: Layout = { axes: [[whole('out')], [whole('in')]] };
  return { stored: { ref, type: 'f16', layout }, bytes: new Uint8Array(new Uint16Array(count).fill(0x3c00).buffer) };
}

const isFourBit = (type: Stored['type']) => bitsOf(type) <= 4;

/** `packed-layout.h`: signed codes are stored above their least one, of the width that they are stored in. */
function storedCode(code: number, type: Stored['type']): number {
  if (!type.startsWith('i')) return code;
  const width = isFourBit(type) ? 4 : 8;
  const number = code >= 2 ** (bitsOf(type) - 1) ? code - 2 ** bitsOf(type) : code;
  return number + 2 ** (width - 1);
}

/** The same file: where the code of a row and column is. */
function codeIn(bytes: Uint8Array, row: number, column: number, type: Stored['type'], groupSize: number): number {
  const octetBytes = isFourBit(type) ? 128 : 256;
  const tableBytes = 2 * 32;
  const wholeRow = groupSize >= inFeatures;
  const chunks = inFeatures / groupSize;
  const header = wholeRow ? tableBytes + 8 * 32 : 0;
  const blockBytes = header + (inFeatures / 8) * octetBytes + (wholeRow ? 0 : chunks * tableBytes);
  const tablesBefore = wholeRow ? 0 : Math.floor(column / groupSize) * tableBytes;
  const octet = Math.floor(row / 32) * blockBytes + header + Math.floor(column / 8) * octetBytes + tablesBefore;
  const [half, lane, k] = [Math.floor((row % 32) / 16), row % 16, column % 8];
  if (isFourBit(type)) {
    const byte = bytes[octet + half * 64 + lane * 4 + (k >> 1)]!;
    return k % 2 === 0 ? byte & 15 : byte >> 4;
  }
  if (type.startsWith('f')) return bytes[octet + half * 128 + k * 16 + lane]!;
  return bytes[octet + half * 128 + (k % 2) * 64 + lane * 4 + (k >> 1)]!;
}

/** A code table, up to three scales, perhaps a zero point, a shift, a group index. Bytes are random: all codes occur. */
function weights(): fc.Arbitrary<{ weight: QuantizedWeight; tensors: readonly SyntheticTensor[] }> {
  const block = fc.constantFrom(
    [1, 8] as const,
    [1, 32] as const,
    [1, 96] as const,
    [16, 32] as const,
    [64, 96] as const,
  );
  const blocked = (name: string, type: fc.Arbitrary<Stored['type']>) =>
    block.chain(([rows, cols]) =>
      table(name, type, outFeatures / rows, inFeatures / cols).map((one) => ({ ...one, block: [rows, cols] as const })),
    );
  return fc
    .record({
      codes: table('codes', fc.constantFrom(...types), outFeatures, inFeatures),
      scales: fc.array(
        fc.record({
          table: blocked('scale', fc.constantFrom(...scaleTypes)),
          divide: fc.boolean(),
          afterwards: fc.boolean(),
        }),
        { maxLength: 3 },
      ),
      zero: fc.option(blocked('zero', fc.constantFrom('u4', 'i8', 'u3', 'f16'))),
      shift: fc.option(blocked('shift', fc.constantFrom('f32', 'f16'))),
      indexed: fc.boolean(),
      seed: fc.infiniteStream(fc.nat(2)),
    })
    .map(({ codes, scales, zero, shift, indexed, seed }) => {
      const tensors: SyntheticTensor[] = [];
      const add = <T extends { stored: Stored; bytes: Uint8Array }>({ stored, bytes }: T, name: string): Stored => {
        const ref = { ...stored.ref, name };
        tensors.push({ ref, bytes });
        return { ...stored, ref };
      };
      const weight: QuantizedWeight = {
        outFeatures,
        inFeatures,
        codes: add(codes, 'codes'),
        scales: scales.map(({ table: one, divide, afterwards }, i) => ({
          ...add(one, `scale.${i}`),
          block: one.block,
          ...(divide ? { divide } : {}),
          ...(afterwards ? { afterwards } : {}),
          ...(indexed && one.block[1] === 32 ? { indexed } : {}),
        })),
        ...(zero ? { zero: { ...add(zero, 'zero'), block: zero.block } } : {}),
        ...(shift ? { shift: { ...add(shift, 'shift'), block: shift.block } } : {}),
      };
      if (!indexed) return { weight, tensors };
      const groups = Int32Array.from({ length: inFeatures }, () => seed.next().value ?? 0);
      const groupIndex: Stored = {
        ref: { name: 'g_idx', dtype: 'I32', shape: [inFeatures], file: 'f', start: 0, end: 4 * inFeatures },
        type: 'i32',
        layout: { axes: [[whole('in')]] },
      };
      tensors.push({ ref: groupIndex.ref, bytes: new Uint8Array(groups.buffer) });
      return { weight: { ...weight, groupIndex }, tensors };
    });
}

interface Table {
  readonly stored: Stored;
  readonly bytes: Uint8Array;
}

/** `rows x columns` codes of a type in some layout, with random bytes. */
function table(name: string, type: fc.Arbitrary<Stored['type']>, rows: number, columns: number): fc.Arbitrary<Table> {
  return type.chain((one) =>
    fc
      .record({
        transposed: fc.boolean(),
        packing: packings(one),
        add: fc.option(fc.record({ value: fc.integer({ min: -8, max: 8 }), carry: fc.constantFrom('field', 'word') })),
        seed: fc.nat(),
      })
      .map((choice) => makeTable(name, one, rows, columns, choice)),
  );
}

interface Choice {
  readonly transposed: boolean;
  readonly packing: Packed;
  readonly add: { readonly value: number; readonly carry: 'field' | 'word' } | null;
  readonly seed: number;
}

function makeTable(
  name: string,
  type: Stored['type'],
  rows: number,
  columns: number,
  { transposed, packing, add, seed }: Choice,
): Table {
  const { layout, shape, word } = place(rows, columns, transposed, packing);
  const stream = packing.kind === 'stream';
  const added = add && !(stream && packing.word % packing.bits !== 0) ? { add } : {};
  const size = (shape[0]! * shape[1]! * word) / 8;
  const bytes = Uint8Array.from({ length: size }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 13) & 255);
  const dtype = dtypes[word as keyof typeof dtypes];
  const ref = { name, dtype, shape, file: 'f', start: 0, end: size };
  return { stored: { ref, type, layout: { ...layout, ...added } }, bytes };
}

type Packed =
  | { readonly kind: 'none'; readonly bits: number; readonly word: number }
  | {
      readonly kind: 'fields';
      readonly bits: number;
      readonly word: 8 | 16 | 32 | 64;
      readonly along: 'out' | 'in';
      /** The even ones of a word in its lower half. */
      readonly order?: 'evenFirst' | undefined;
    }
  | { readonly kind: 'stream'; readonly bits: number; readonly word: 8 | 16 | 32 | 64; readonly dimension: 0 | 1 };

function packings(type: Stored['type']): fc.Arbitrary<Packed> {
  const bits = bitsOf(type);
  const words = ([8, 16, 32, 64] as const).filter((word) => word >= bits);
  const fields = fc
    .record({
      word: fc.constantFrom(...words),
      along: fc.constantFrom('out' as const, 'in' as const),
      order: fc.constantFrom(undefined, 'evenFirst' as const),
    })
    .map(({ word, along, order }): Packed => ({ kind: 'fields', bits, word, along, order }));
  const stream = fc
    .record({ word: fc.constantFrom(...words), dimension: fc.constantFrom(0 as const, 1 as const) })
    .map(({ word, dimension }): Packed => ({ kind: 'stream', bits, word, dimension }));
  const plainWord = bits === 8 || bits === 16 || bits === 32;
  return plainWord
    ? fc.oneof(fc.constant<Packed>({ kind: 'none', bits, word: bits }), fields)
    : fc.oneof(fields, stream);
}

function place(
  rows: number,
  columns: number,
  transposed: boolean,
  packing: Packed,
): { readonly layout: Layout; readonly shape: [number, number]; readonly word: number } {
  const axes: [Digit[], Digit[]] = [[whole('out')], [whole('in')]];
  const shape: [number, number] = [rows, columns];
  const swap = <T>([first, second]: [T, T]): [T, T] => (transposed ? [second, first] : [first, second]);
  const { word } = packing;
  if (packing.kind === 'none') return { layout: { axes: swap(axes) }, shape: swap(shape), word };
  if (packing.kind === 'fields') {
    const count = Math.floor(word / packing.bits);
    const at = packing.along === 'out' ? 0 : 1;
    axes[at] = [quotient(packing.along, count)];
    shape[at] = Math.ceil(shape[at] / count);
    const { along } = packing;
    const evenFirst = packing.order && count % 2 === 0;
    const digits = evenFirst ? [remainder(along, 2), remainder(along, count / 2, 2)] : [remainder(along, count)];
    const packed = { bits: packing.bits, word: packing.word, fields: digits };
    return { layout: { axes: swap(axes), packed }, shape: swap(shape), word };
  }
  const ordered = swap(shape);
  ordered[packing.dimension] = Math.ceil((ordered[packing.dimension] * packing.bits) / word);
  const packed = { bits: packing.bits, word: packing.word, stream: packing.dimension };
  return { layout: { axes: swap(axes), packed }, shape: ordered, word };
}
