import { expect } from 'vitest';
import type { Expected } from './expected-linear.ts';

/** Fails naming the number that is farthest off, in units of what is allowed. */
export function expectClose(actual: Float32Array, { values, magnitudes }: Expected, tolerance: number): void {
  expect(actual.length, 'how many numbers').toBe(values.length);
  let worst = 0;
  let index = 0;
  for (let i = 0; i < values.length; i++) {
    const allowed = tolerance * magnitudes[i]!;
    const error = Math.abs(actual[i]! - values[i]!);
    const ratio = error === 0 ? 0 : error / allowed;
    if (ratio > worst || Number.isNaN(ratio)) [worst, index] = [ratio, i];
    if (Number.isNaN(ratio)) break;
  }
  const place = `number ${index}: expected ${values[index]}, found ${actual[index]}`;
  expect(worst <= 1, `${place}, off by ${worst} times what is allowed (${tolerance} of ${magnitudes[index]})`).toBe(
    true,
  );
}

/** Every number may be off by a fraction of the largest of its row. */
export function relativeToRow(values: Float64Array, width: number): Expected {
  const magnitudes = new Float64Array(values.length);
  for (let start = 0; start < values.length; start += width) {
    let largest = 0;
    for (const value of values.subarray(start, start + width)) largest = Math.max(largest, Math.abs(value));
    magnitudes.fill(largest, start, start + width);
  }
  return { values, magnitudes };
}
