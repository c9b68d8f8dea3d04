import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roundHalfAwayFromZero, roundHalfEven } from './rounding.ts';

// One step below a half, the largest number with a fraction, and the first without.
const hard = [0.5 - 2 ** -54, 2 ** 52 - 0.5, 2 ** 52, 2 ** 53 + 2, Number.MIN_VALUE, Number.MAX_VALUE];

describe('roundHalfEven', () => {
  it('takes ties to even', () => {
    expect([0.5, 1.5, 2.5, 3.5, 0, 15, -0.5, -1.5, -2.5].map(roundHalfEven)).toEqual([0, 2, 2, 4, 0, 15, -0, -2, -2]);
  });

  it('is exact where sums of halves are not', () => {
    expect(hard.map(roundHalfEven)).toEqual([0, 2 ** 52, 2 ** 52, 2 ** 53 + 2, 0, Number.MAX_VALUE]);
    expect([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(roundHalfEven)).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]);
  });
});

describe('roundHalfAwayFromZero', () => {
  it('takes ties away from zero', () => {
    expect([0.5, 1.5, 2.5, -0.5, -2.5, -0.4].map(roundHalfAwayFromZero)).toEqual([1, 2, 3, -1, -3, -0]);
  });

  it('is exact where sums of halves are not', () => {
    expect(hard.map(roundHalfAwayFromZero)).toEqual([0, 2 ** 52, 2 ** 52, 2 ** 53 + 2, 0, Number.MAX_VALUE]);
  });
});

it('both give a nearest integer, and differ only on ties', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const [even, away] = [roundHalfEven(value), roundHalfAwayFromZero(value)];
      for (const rounded of [even, away]) {
        expect(Number.isInteger(rounded)).toBe(true);
        expect(Math.abs(rounded - value)).toBeLessThanOrEqual(0.5);
      }
      if (even !== away) expect(Math.abs(even - value)).toBe(0.5);
    }),
    { numRuns: 2000 },
  );
});
