import { type Axis, type Digit, type DType, type ElementType, isStream, LayoutError, plain, whole } from '@lowbit/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Extents } from './bit-positions.ts';
import { decodeBits, decodeCodes } from './decode-stored.ts';
import { encodeStored, repack } from './encode-stored.ts';
import type { StoredForm } from './stored-form.ts';

const dtypes: Readonly<Record<number, DType>> = { 8: 'U8', 16: 'I16', 32: 'I32', 64: 'I64' };

/** Each axis cut into three digits, the digits dealt out over two or three dimensions and the fields of a word. */
const randomForm = (bits: number, radices: Readonly<Record<'out' | 'in', readonly number[]>>) =>
  fc
    .record({
      word: fc.constantFrom(8, 16, 32, 64).filter((word) => word >= bits),
      packing: fc.constantFrom('fields', 'stream', 'plain'),
      deal: fc.infiniteStream(fc.nat()),
      rank: fc.constantFrom(2, 3),
      add: fc.option(fc.integer({ min: -(2 ** bits), max: 2 ** bits }), { nil: undefined }),
      carry: fc.constantFrom('field', 'word'),
      signed: fc.boolean(),
    })
    .map(({ word, packing, deal, rank, add, carry, signed }): StoredForm => {
      const axes: Digit[][] = Array.from({ length: rank }, () => []);
      const fields: Digit[] = [];
      let room = packing === 'fields' ? Math.floor(word / bits) : 1;
      const digits = (['out', 'in'] as const).flatMap((axis) => digitsOf(axis, radices[axis]));
      const draw = (count: number) => (deal.next().value as number) % count;
      while (digits.length > 0) {
        const [digit] = digits.splice(draw(digits.length), 1) as [Digit];
        if (digit.modulo! <= room && draw(2) === 0) {
          fields.push(digit);
          room = Math.floor(room / digit.modulo!);
        } else {
          axes[draw(rank)]!.push(digit);
        }
      }
      const shape = axes.map((dimension) => dimension.reduce((size, digit) => size * digit.modulo!, 1));
      const type = `${signed ? 'i' : 'u'}${bits}` as ElementType;
      const stream = draw(rank);
      if (packing === 'stream') shape[stream] = Math.ceil((shape[stream]! * bits) / word);
      const wordCarry = packing !== 'stream' || word % bits === 0;
      const layout = {
        axes,
        ...(packing === 'plain' ? { packed: { bits, word, fields: [] } } : {}),
        ...(packing === 'fields' ? { packed: { bits, word, fields } } : {}),
        ...(packing === 'stream' ? { packed: { bits, word, stream } } : {}),
        ...(add === undefined ? {} : { add: { value: add, carry: wordCarry ? carry : 'field' } }),
      } as StoredForm['layout'];
      return { ref: { name: 'weight', dtype: dtypes[word]!, shape }, type, layout };
    });

function digitsOf(axis: Axis, radices: readonly number[]): Digit[] {
  let divide = 1;
  return radices.map((modulo) => {
    const digit = { axis, divide, modulo };
    divide *= modulo;
    return digit;
  });
}

const radix = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 3, maxLength: 3 });
const twoForms = fc
  .record({ bits: fc.integer({ min: 1, max: 8 }), out: radix, in: radix })
  .chain(({ bits, ...radices }) => {
    const size = (axis: 'out' | 'in') => radices[axis].reduce((product, one) => product * one, 1);
    const form = randomForm(bits, radices);
    return fc.record({
      from: form,
      to: form,
      extents: fc.constant<Extents>([
        ['out', size('out')],
        ['in', size('in')],
      ]),
      codes: fc
        .infiniteStream(fc.integer({ min: 0, max: 2 ** bits - 1 }))
        .map((stream) => [...stream.take(size('out') * size('in'))]),
    });
  });

describe('over random layouts', () => {
  it('what is encoded is decoded, and sits where the layout says', () => {
    fc.assert(
      fc.property(twoForms, ({ from, extents, codes }) => {
        const bytes = encodeStored(codes, from, extents);
        expect([...decodeBits(from, bytes, extents)]).toEqual(codes);
        expect(decodeByDefinition(from, bytes, extents)).toEqual(codes);
      }),
      { numRuns: 300 },
    );
  });

  it('repacking there and back gives the same bytes', () => {
    fc.assert(
      fc.property(twoForms, ({ from, to, extents, codes }) => {
        const bytes = encodeStored(codes, from, extents);
        const there = repack(bytes, from, { ...to.ref, layout: to.layout }, extents);
        const back = repack(there, { ...to, type: from.type }, { ...from.ref, layout: from.layout }, extents);
        expect(back).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });

  it('a transposed table holds the same codes', () => {
    fc.assert(
      fc.property(twoForms, ({ from, extents, codes }) => {
        const bytes = encodeStored(codes, from, extents);
        const [[, out], [, inFeatures]] = extents as [[Axis, number], [Axis, number]];
        const transposed = decodeBits(from, bytes, [
          ['in', inFeatures],
          ['out', out],
        ]);
        expect(codes.map((_, at) => transposed[(at % inFeatures) * out + Math.floor(at / inFeatures)])).toEqual(codes);
      }),
      { numRuns: 100 },
    );
  });
});

/** The documentation of `Layout` followed word by word: whole words as integers, one element at a time. */
function decodeByDefinition(form: StoredForm, bytes: Uint8Array, extents: Extents): number[] {
  const { axes, packed, add } = form.layout;
  const { shape } = form.ref;
  const { bits, word } = packed!;
  const digitsValue = (digits: readonly Digit[], index: Partial<Record<Axis, number>>) =>
    digits.reduce((value, { axis, divide, modulo }) => {
      return value * modulo! + (Math.floor(index[axis]! / divide) % modulo!);
    }, 0);
  const wordAt = (place: readonly number[]) => {
    const flat = place.reduce((offset, index, dimension) => offset * shape[dimension]! + index, 0);
    let value = 0n;
    for (let byte = word / 8 - 1; byte >= 0; byte -= 1)
      value = (value << 8n) | BigInt(bytes[(flat * word) / 8 + byte]!);
    if (add?.carry !== 'word') return value;
    for (let field = 0; field < Math.floor(word / bits); field += 1) value += BigInt(add.value) << BigInt(field * bits);
    return BigInt.asUintN(word, value);
  };
  const bitAt = (value: bigint, bit: number) => (value >> BigInt(bit)) & 1n;

  const codes: number[] = [];
  for (let out = 0; out < extents[0]![1]; out += 1) {
    for (let i = 0; i < extents[1]![1]; i += 1) {
      const place = axes.map((digits) => digitsValue(digits, { out, in: i }));
      let code = 0n;
      for (let bit = 0; bit < bits; bit += 1) {
        if (isStream(packed!)) {
          const position = place[packed.stream]! * bits + bit;
          const words = place.with(packed.stream, Math.floor(position / word));
          code |= bitAt(wordAt(words), position % word) << BigInt(bit);
        } else {
          code |= bitAt(wordAt(place), digitsValue(packed!.fields, { out, in: i }) * bits + bit) << BigInt(bit);
        }
      }
      if (add?.carry === 'field') code += BigInt(add.value);
      codes.push(Number(BigInt.asUintN(bits, code)));
    }
  }
  return codes;
}

describe('encodeStored', () => {
  const bytesForm: StoredForm = {
    ref: { name: 'codes', dtype: 'U8', shape: [2, 2] },
    type: 'i8',
    layout: plain('out', 'in'),
  };
  const table: Extents = [
    ['out', 2],
    ['in', 2],
  ];

  it('takes signed codes and unsigned bits', () => {
    expect([...encodeStored([-1, 255, -128, 127], bytesForm, table)]).toEqual([255, 255, 128, 127]);
    expect([...decodeCodes(bytesForm, Uint8Array.of(255, 255, 128, 127), table)]).toEqual([-1, -1, -128, 127]);
  });

  it('refuses codes that do not fit', () => {
    expect(() => encodeStored([0, 256, 0, 0], bytesForm, table)).toThrow('codes: 256 is no 8-bit code');
    expect(() => encodeStored([0, 0.5, 0, 0], bytesForm, table)).toThrow('codes: 0.5 is no 8-bit code');
    expect(() => encodeStored([0, 1], bytesForm, table)).toThrow('codes: 2 codes for a table of 2 x 2');
    expect(() => encodeStored([0], { ...bytesForm, type: 'f64' }, [])).toThrow(
      'codes: codes of 64 bits; at most 32 are moved as bits',
    );
  });

  it('refuses a layout that would lose codes', () => {
    const broadcast = { ...bytesForm, ref: { ...bytesForm.ref, shape: [2] }, layout: { axes: [[whole('out')]] } };
    expect([...encodeStored([1, 1, 2, 2], broadcast, table)]).toEqual([1, 2]);
    expect(() => encodeStored([1, 2, 3, 4], broadcast, table)).toThrow(
      new LayoutError('codes: the layout puts elements with different codes in one place'),
    );
  });
});
