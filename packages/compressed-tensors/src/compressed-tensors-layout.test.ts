import { type DType, type ElementType, type IntegerType, integerRange, type Layout } from '@lowbit/core';
import { decodeCodes, decodeStored, encodeStored } from '@lowbit/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Packing, packedFloatLayout, packedLayout, wordsOf } from './compressed-tensors-layout.ts';

function stored(layout: Layout, type: ElementType, dtype: DType, shape: readonly number[]) {
  return { ref: { name: 'a', dtype, shape }, type, layout };
}

/** Words of `[out, in]` codes, as the format's library would write them. */
function pack(
  codes: readonly number[],
  bits: number,
  packing: Packing,
  size: { out: number; in: number },
  along: 'out' | 'in',
) {
  const words = wordsOf(size[along], bits, packing);
  const shape = along === 'in' ? [size.out, words] : [words, size.in];
  const form = stored(packedLayout(along, bits, packing), `i${bits}` as IntegerType, 'I32', shape);
  const extents = [
    ['out', size.out],
    ['in', size.in],
  ] as const;
  const bytes = encodeStored(codes, form, extents);
  expect([...decodeCodes(form, bytes, extents)]).toEqual(codes);
  return [...new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)];
}

const row = (codes: readonly number[], bits: number, packing: Packing) =>
  pack(codes, bits, packing, { out: 1, in: codes.length }, 'in');

describe('weights, packed along the inputs', () => {
  const four = [-8, -3, 0, 5, 7, -1, 2, 4];
  const three = [-4, -1, 0, 3, 2, -2, 1, -3, 3, 0, -4, 2];
  const five = [-16, 15, 0, -1, 7, -8, 3];

  it.each<[string, readonly number[], number, Packing, readonly number[]]>([
    ['4-bit', four, 4, 'dense', [0xca7fd850]],
    ['4-bit with a partial word', [...four, -7, 6], 4, 'dense', [0xca7fd850, 0xe1]],
    ['4-bit, the same before 0.18', [...four, -7, 6], 4, 'legacy', [0xca7fd850, 0xe1]],
    ['8-bit', [-128, -1, 0, 127, 5], 8, 'dense', [0xff807f00, 0x85]],
    ['3-bit, dense', three, 3, 'dense', [0x27356f18, 0x0c]],
    ['3-bit, legacy', three, 3, 'legacy', [0x27356f18, 0x30]],
    ['5-bit, dense', five, 5, 'dense', [0xd177c3e0, 0x04]],
    ['5-bit, legacy', five, 5, 'legacy', [0x1177c3e0, 0x13]],
  ])('%s', (_, codes, bits, packing, words) => {
    expect(row(codes, bits, packing)).toEqual(words);
  });

  it.each([
    [3, 410],
    [5, 683],
    [6, 820],
  ])('%i-bit rows of 4096 inputs take %i words before 0.18', (bits, legacy) => {
    expect(wordsOf(4096, bits, 'legacy')).toBe(legacy);
    expect(wordsOf(4096, bits, 'dense')).toBe((4096 * bits) / 32);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('%i-bit rows of any length come back, both ways', (bits) => {
    const [min, max] = integerRange(`i${bits}` as IntegerType);
    const codes = fc.array(fc.integer({ min, max }), { minLength: 1, maxLength: 70 });
    fc.assert(
      fc.property(codes, fc.constantFrom<Packing>('dense', 'legacy'), (values, packing) => {
        const words = row(values, bits, packing);
        if (32 % bits === 0) expect(words).toEqual(row(values, bits, 'dense'));
      }),
      { numRuns: 30 },
    );
  });
});

describe('zero points, packed along the outputs', () => {
  const columns = [
    [-8, 0, 1, 3, -5, 6, -2, 7, 2, -4],
    [7, -1, 2, 4, -6, 5, -3, 0, 1, -7],
  ];

  it('4-bit', () => {
    const codes = Array.from({ length: 20 }, (_, index) => columns[index % 2]![Math.floor(index / 2)]!);
    expect(pack(codes, 4, 'dense', { out: 10, in: 2 }, 'out')).toEqual([0xf6e3b980, 0x85d2ca7f, 0x4a, 0x19]);
  });

  it.each<Packing>(['dense', 'legacy'])('3-bit, %s: a column is packed as a row would be', (packing) => {
    const codes = [-4, -1, 0, 3, 2, -2, 1, -3, 3, 0, -4, 2];
    expect(pack(codes, 3, packing, { out: 12, in: 1 }, 'out')).toEqual(row(codes, 3, packing));
  });
});

describe('floats in bytes', () => {
  const extents = (inputs: number) =>
    [
      ['out', 1],
      ['in', inputs],
    ] as const;

  it('e2m1: the first of two in the low half', () => {
    const form = stored(packedFloatLayout(4), 'f4e2m1', 'U8', [1, 4]);
    const values = decodeStored(form, Uint8Array.of(0xf1, 0x58, 0x32, 0xc6), extents(8));
    expect([...values]).toEqual([0.5, -6, -0, 3, 1, 1.5, 4, -2]);
  });

  it('e2m3: four in three bytes, the lowest bits first', () => {
    // Codes 0x01 (1/8), 0x3f (-7.5), 0x08 (1), 0x1c (6).
    const word = 0x01 | (0x3f << 6) | (0x08 << 12) | (0x1c << 18);
    const bytes = Uint8Array.of(word & 255, (word >> 8) & 255, (word >> 16) & 255);
    const form = stored(packedFloatLayout(6), 'f6e2m3', 'U8', [1, 3]);
    expect([...decodeStored(form, bytes, extents(4))]).toEqual([0.125, -7.5, 1, 6]);
  });
});
