import fc from 'fast-check';
import { expect, it } from 'vitest';
import { multiply } from './matrix-multiply.ts';

const sizes = fc.record({
  rows: fc.integer({ min: 0, max: 7 }),
  outFeatures: fc.integer({ min: 1, max: 11 }),
  inFeatures: fc.integer({ min: 1, max: 19 }),
});
const numbers = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(seed + i * 1.7) * 10 ** (i % 5));

it('sums in ascending order of the inputs, for every size', () => {
  fc.assert(
    fc.property(sizes, ({ rows, outFeatures, inFeatures }) => {
      const x = numbers(rows * inFeatures, 1);
      const weight = numbers(outFeatures * inFeatures, 2);
      const expected = new Float64Array(rows * outFeatures);
      for (let row = 0; row < rows; row++) {
        for (let out = 0; out < outFeatures; out++) {
          for (let i = 0; i < inFeatures; i++) {
            expected[row * outFeatures + out]! += x[row * inFeatures + i]! * weight[out * inFeatures + i]!;
          }
        }
      }
      expect(multiply(x, rows, weight, inFeatures)).toEqual(expected);
    }),
  );
});

it('gives a row the same bits alone and among others', () => {
  const [rows, inFeatures, outFeatures] = [5, 33, 6];
  const x = numbers(rows * inFeatures, 3);
  const weight = numbers(outFeatures * inFeatures, 4);
  const together = multiply(x, rows, weight, inFeatures);
  for (let row = 0; row < rows; row++) {
    const alone = multiply(x.subarray(row * inFeatures, (row + 1) * inFeatures), 1, weight, inFeatures);
    expect(alone).toEqual(together.slice(row * outFeatures, (row + 1) * outFeatures));
  }
});
