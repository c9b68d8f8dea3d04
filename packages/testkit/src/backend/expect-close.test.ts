import { expect, it } from 'vitest';
import { expectClose, relativeToRow } from './expect-close.ts';

const expected = { values: Float64Array.of(1, -2, 0), magnitudes: Float64Array.of(10, 10, 0) };

it('allows a fraction of the magnitude', () => {
  expect(() => expectClose(Float32Array.of(1.01, -1.99, 0), expected, 0.002)).not.toThrow();
});

it.each([
  ['too far', [1, -2.03, 0], 'number 1: expected -2, found -2.0299999713897705, off by 1.49'],
  ['not exact where nothing is allowed', [1, -2, 1e-30], 'number 2: expected 0'],
  ['NaN', [1, Number.NaN, 0], 'number 1: expected -2, found NaN'],
  ['infinite', [Number.POSITIVE_INFINITY, -2, 0], 'number 0: expected 1, found Infinity'],
  ['too few', [1, -2], 'how many numbers'],
])('rejects what is %s', (_, actual, message) => {
  expect(() => expectClose(Float32Array.from(actual), expected, 0.002)).toThrow(message);
});

it('takes the largest number of each row as its magnitude', () => {
  expect([...relativeToRow(Float64Array.of(1, -3, 0.5, 0.25), 2).magnitudes]).toEqual([3, 3, 0.5, 0.5]);
});
