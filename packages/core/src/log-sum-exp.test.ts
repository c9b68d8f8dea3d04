import { expect, it } from 'vitest';
import { logSumExp } from './log-sum-exp.ts';

it.each([
  [[Math.log(2), Math.log(3)], Math.log(5)],
  [[1000, 1000], 1000 + Math.log(2)],
  [[-1000, Number.NEGATIVE_INFINITY], -1000],
  [[Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY], Number.NEGATIVE_INFINITY],
  [[1, Number.POSITIVE_INFINITY], Number.POSITIVE_INFINITY],
  [[Number.POSITIVE_INFINITY, Number.NaN], Number.NaN],
])('logSumExp of %j is %d', (values, expected) => {
  if (Number.isFinite(expected)) expect(logSumExp(values)).toBeCloseTo(expected, 10);
  else expect(logSumExp(values)).toBe(expected);
});
