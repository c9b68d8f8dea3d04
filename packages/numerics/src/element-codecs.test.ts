import type { ElementType } from '@lowbit/core';
import { bitsOf } from '@lowbit/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeElement } from './decode-element.ts';
import { decodeElements, encodeElements } from './elements.ts';
import { encodeElement } from './encode-element.ts';

const floats = [
  'f16',
  'bf16',
  'f8e4m3',
  'f8e5m2',
  'f8e4m3fnuz',
  'f8e5m2fnuz',
  'f6e2m3',
  'f6e3m2',
  'f4e2m1',
] as const satisfies readonly ElementType[];
const integers = ['u1', 'i1', 'u2', 'i2', 'u3', 'i3', 'u4', 'i4', 'i5', 'u6', 'i7', 'u8', 'i8', 'u16', 'i16'] as const;

function allCodes(type: ElementType): number[] {
  return Array.from({ length: 2 ** bitsOf(type) }, (_, code) => code);
}

describe('every code', () => {
  it.each([...floats, ...integers, 'e8m0'] as const)('%s: encodes back from its own number', (type) => {
    for (const code of allCodes(type)) {
      const value = decodeElement(code, type);
      const back = encodeElement(value, type);
      if (Number.isNaN(value)) expect(decodeElement(back, type)).toBeNaN();
      else if (value === Number.POSITIVE_INFINITY && type === 'f8e5m2') expect(decodeElement(back, type)).toBe(57344);
      else if (value === Number.NEGATIVE_INFINITY && type === 'f8e5m2') expect(decodeElement(back, type)).toBe(-57344);
      else if (back !== code) expect([type, value, back]).toEqual([type, value, code]);
    }
  });

  it('f16: equals the formula of IEEE 754, written with shifts and an f32 view', () => {
    const word = new Uint32Array(1);
    const float = new Float32Array(word.buffer);
    for (const code of allCodes('f16')) {
      // Exponent and mantissa moved to their f32 places, rebiased by a multiplication, which also serves subnormals.
      const isSpecial = (code & 0x7c00) === 0x7c00;
      word[0] = ((code & 0x7fff) << 13) | (isSpecial ? 0x7f80_0000 : 0);
      const magnitude = isSpecial ? float[0]! : float[0]! * 2 ** 112;
      const expected = code & 0x8000 ? -magnitude : magnitude;
      if (!Object.is(decodeElement(code, 'f16'), expected))
        expect([code, decodeElement(code, 'f16')]).toEqual([code, expected]);
    }
  });

  it('bf16: is the upper half of an f32', () => {
    const word = new Uint32Array(1);
    const float = new Float32Array(word.buffer);
    for (const code of allCodes('bf16')) {
      word[0] = code * 2 ** 16;
      if (!Object.is(decodeElement(code, 'bf16'), float[0]))
        expect([code, decodeElement(code, 'bf16')]).toEqual([code, float[0]]);
    }
  });
});

describe('encoding', () => {
  it('rounds to f32 as the language does', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const code = encodeElement(value, 'f32');
        expect(decodeElement(code, 'f32')).toBe(Math.fround(value));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(floats)('%s: takes the nearest neighbour, the even code on ties', (type) => {
    const half = 2 ** (bitsOf(type) - 1);
    for (let code = 0; code + 1 < half; code += 1) {
      const low = decodeElement(code, type);
      const high = decodeElement(code + 1, type);
      if (!Number.isFinite(low) || !Number.isFinite(high)) continue;
      const middle = (low + high) / 2;
      const nudge = (high - low) / 64;
      const got = [middle - nudge, middle, middle + nudge].map((value) => encodeElement(value, type));
      const expected = [code, code % 2 === 0 ? code : code + 1, code + 1];
      if (got.join() !== expected.join()) expect([type, middle, ...got]).toEqual([type, middle, ...expected]);
    }
  });

  it('does not round twice on the way to f16', () => {
    // Just above the middle between 1 and 1 + 2^-10: an f32 in between would land on the tie and go down.
    expect(encodeElement(1 + 2 ** -11 + 2 ** -40, 'f16')).toBe(0x3c01);
  });

  it.each([
    ['f8e4m3', 448],
    ['f8e5m2', 57344],
    ['f8e4m3fnuz', 240],
    ['f8e5m2fnuz', 57344],
    ['f6e2m3', 7.5],
    ['f6e3m2', 28],
    ['f4e2m1', 6],
  ] as const)('%s: saturates at %d', (type, largest) => {
    for (const value of [largest * 1.01, 1e30, Number.POSITIVE_INFINITY]) {
      expect(decodeElement(encodeElement(value, type), type)).toBe(largest);
      expect(decodeElement(encodeElement(-value, type), type)).toBe(-largest);
    }
  });

  it('f16 and bf16 overflow to infinity, from half a step past the largest', () => {
    expect(encodeElement(65519, 'f16')).toBe(0x7bff);
    expect(encodeElement(65520, 'f16')).toBe(0x7c00);
    expect(encodeElement(-1e9, 'f16')).toBe(0xfc00);
    expect(encodeElement(3.4e38, 'bf16')).toBe(0x7f80);
  });

  it('e4m3: worked numbers', () => {
    const pairs = [17, 16, 19, 20, 21, 20, 27, 28, 460, 448, 2 ** -10, 0, 1.5 * 2 ** -9, 2 ** -8];
    for (let at = 0; at < pairs.length; at += 2) {
      expect(decodeElement(encodeElement(pairs[at]!, 'f8e4m3'), 'f8e4m3')).toBe(pairs[at + 1]);
    }
    expect([1, 0.5, -1, 240, 448, 2 ** -9].map((value) => encodeElement(value, 'f8e4m3'))).toEqual([
      0x38, 0x30, 0xb8, 0x77, 0x7e, 0x01,
    ]);
    expect(decodeElement(0x38, 'f8e4m3fnuz')).toBe(0.5);
    expect(decodeElement(0x80, 'f8e4m3fnuz')).toBeNaN();
    expect(encodeElement(-0, 'f8e4m3fnuz')).toBe(0);
  });

  it('e2m1: worked numbers, ties and negative zero', () => {
    expect(allCodes('f4e2m1').map((code) => decodeElement(code, 'f4e2m1'))).toEqual([
      0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6,
    ]);
    const ties = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5];
    expect(ties.map((value) => decodeElement(encodeElement(value, 'f4e2m1'), 'f4e2m1'))).toEqual([0, 1, 1, 2, 2, 4, 4]);
    expect(encodeElement(-0.2, 'f4e2m1')).toBe(8);
  });

  it('e8m0: powers of two from 2^-127, which stays, to 2^127; 255 is NaN', () => {
    expect(decodeElement(0, 'e8m0')).toBe(2 ** -127);
    expect(Math.fround(decodeElement(0, 'e8m0'))).toBe(2 ** -127);
    expect(decodeElement(127, 'e8m0')).toBe(1);
    expect(decodeElement(255, 'e8m0')).toBeNaN();
    expect([0, 1.49, 1.5, 3.4e38, Number.POSITIVE_INFINITY, Number.NaN].map((v) => encodeElement(v, 'e8m0'))).toEqual([
      0, 127, 128, 254, 254, 255,
    ]);
  });

  it('integers: half to even, saturating, two’s complement', () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 300, -300].map((v) => decodeElement(encodeElement(v, 'i8'), 'i8'))).toEqual([
      0, 2, 2, 0, -2, 127, -128,
    ]);
    expect(encodeElement(-1, 'i4')).toBe(15);
    expect(encodeElement(-1, 'u4')).toBe(0);
    expect(encodeElement(-1, 'i32')).toBe(0xffff_ffff);
  });

  it('says which type has no code for a value', () => {
    expect(() => encodeElement(Number.NaN, 'i8')).toThrow('encodeElement: i8 has no code for NaN');
    expect(() => encodeElement(Number.NaN, 'f4e2m1')).toThrow('encodeElement: f4e2m1 has no code for NaN');
    expect(() => encodeElement(-1, 'e8m0')).toThrow('encodeElement: e8m0 has no code for -1');
    expect(() => encodeElement(1, 'i64')).toThrow('encodeElement: i64 is wider than 32 bits');
    expect(() => decodeElement(1, 'f64')).toThrow('decodeElement: f64 is wider than 32 bits');
  });
});

describe('runs of elements', () => {
  it.each(['f64', 'f32', 'f16', 'f8e4m3', 'f6e2m3', 'f4e2m1', 'i64', 'u64', 'i32', 'u32', 'i8', 'u3'] as const)(
    '%s: decode what they encode',
    (type) => {
      const values = [1, 2, 3, 0, 4, 5, 6, 7];
      const known = values.map((value) =>
        bitsOf(type) > 32 ? value : decodeElement(encodeElement(value, type), type),
      );
      expect([...decodeElements(encodeElements(values, type), type)]).toEqual(known);
    },
  );

  it('uses one table where there are many', () => {
    const values = Float32Array.from({ length: 70_000 }, (_, index) => (index % 2000) - 1000);
    expect(decodeElements(encodeElements(values, 'f16'), 'f16')).toEqual(values);
  });

  it('reads bytes that do not begin at a multiple of the width', () => {
    const bytes = encodeElements([0, 1.5, -2, 3], 'f32');
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect([...decodeElements(shifted.subarray(1), 'f32')]).toEqual([0, 1.5, -2, 3]);
    expect([...decodeElements(encodeElements([-5, 2 ** 40], 'i64').subarray(0, 16), 'i64')]).toEqual([-5, 2 ** 40]);
  });

  it('MX floats of 6 bits: four in three bytes, from the lowest bit up', () => {
    const bytes = Uint8Array.of(0x81, 0x30, 0xfc);
    expect([...decodeElements(bytes, 'u6')]).toEqual([1, 2, 3, 63]);
    expect([...decodeElements(bytes, 'f6e2m3')]).toEqual([1, 2, 3, 63].map((code) => decodeElement(code, 'f6e2m3')));
  });
});
