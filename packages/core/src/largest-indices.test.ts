import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largestIndices } from './largest-indices.ts';

describe('largestIndices', () => {
  it('is the head of a stable sort, NaN first, whatever the sign of zero', () => {
    const value = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.double(),
      fc.constantFrom(-0, 0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 80 }), fc.integer({ min: 0, max: 90 }), (values, count) => {
        const unfit = [...values.keys()].filter((index) => Number.isNaN(values[index]));
        const numbers = [...values.keys()].filter((index) => !Number.isNaN(values[index]));
        numbers.sort((a, b) => (values[a]! < values[b]! ? 1 : values[a]! > values[b]! ? -1 : a - b));
        expect([...largestIndices(values, count)]).toEqual([...unfit, ...numbers].slice(0, count));
      }),
      { numRuns: 2000 },
    );
  });

  it('stands values in rising order', () => {
    const values = Float32Array.from({ length: 20_000 }, (_, index) => index);
    expect([...largestIndices(values, 3)]).toEqual([19_999, 19_998, 19_997]);
  });
});
