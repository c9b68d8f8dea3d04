import { expect, it } from 'vitest';
import { roundToFloat } from './round-to-float.ts';

/** Ties between two numbers of e2m1: 0 0.5 1 1.5 2 3 4 6. */
const ties = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5];

it('rounds ties to even', () => {
  expect(ties.map((tie) => roundToFloat(tie, 'f4e2m1'))).toEqual([0, 1, 1, 2, 2, 4, 4]);
});

it('rounds ties away from zero where asked', () => {
  expect(ties.map((tie) => roundToFloat(tie, 'f4e2m1', 'half-away'))).toEqual([0.5, 1, 1.5, 2, 3, 4, 6]);
  expect(ties.map((tie) => roundToFloat(-tie, 'f4e2m1', 'half-away'))).toEqual([-0.5, -1, -1.5, -2, -3, -4, -6]);
  expect(roundToFloat(2.4999, 'f4e2m1', 'half-away')).toBe(2);
});

it.each(['half-even', 'half-away'] as const)('saturates and keeps exact numbers, %s', (rounding) => {
  expect([17.0, 448, 460, -1e9, 2 ** -9].map((x) => roundToFloat(x, 'f8e4m3', rounding))).toEqual([
    rounding === 'half-even' ? 16 : 18,
    448,
    448,
    -448,
    2 ** -9,
  ]);
  expect(roundToFloat(12, 'f4e2m1', rounding)).toBe(6);
});

it('rounds to wider floats', () => {
  expect(roundToFloat(1 + 2 ** -11, 'f16')).toBe(1);
  expect(roundToFloat(1 + 2 ** -11, 'f16', 'half-away')).toBe(1 + 2 ** -10);
  expect(roundToFloat(1 / 3, 'f32')).toBe(Math.fround(1 / 3));
  expect(roundToFloat(1 / 3, 'f64')).toBe(1 / 3);
});

it('keeps NaN, also where the type has none', () => {
  expect(roundToFloat(Number.NaN, 'f4e2m1')).toBeNaN();
});
