import { describe, expect, it } from 'vitest';
import { bitsOf, type ElementType, integerRange, isFloat } from './element-type.ts';
import { type DType, elementTypeOf, isDType } from './tensor-ref.ts';

describe('element types', () => {
  it.each<[ElementType, number, boolean]>([
    ['u3', 3, false],
    ['i64', 64, false],
    ['f8e4m3', 8, true],
    ['f6e2m3', 6, true],
    ['f4e2m1', 4, true],
    ['e8m0', 8, true],
    ['bf16', 16, true],
  ])('%s has %i bits', (type, bits, float) => {
    expect(bitsOf(type)).toBe(bits);
    expect(isFloat(type)).toBe(float);
  });

  it.each([
    ['u4', 0, 15],
    ['i4', -8, 7],
    ['i8', -128, 127],
    ['u32', 0, 4294967295],
    ['i32', -2147483648, 2147483647],
  ] as const)('%s holds %i to %i', (type, min, max) => {
    expect(integerRange(type)).toEqual([min, max]);
  });
});

describe('dtypes', () => {
  it.each<[DType, ElementType]>([
    ['I32', 'i32'],
    ['BF16', 'bf16'],
    ['F8_E4M3', 'f8e4m3'],
    ['F4', 'f4e2m1'],
  ])('%s holds %s', (dtype, type) => {
    expect(elementTypeOf(dtype)).toBe(type);
  });

  it('knows its own names only', () => {
    expect(['F16', 'f16', 'toString', 4, undefined].map(isDType)).toEqual([true, false, false, false, false]);
  });
});
