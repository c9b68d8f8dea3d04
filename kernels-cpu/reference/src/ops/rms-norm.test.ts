import { expect, it } from 'vitest';
import { rmsNorm } from './rms-norm.ts';

it('divides each run by the root of its mean square', () => {
  const input = Float32Array.of(3, 4, 0, 0, 6, 8);
  const output = new Float32Array(6);
  rmsNorm(input, { weight: Float32Array.of(1, 2) }, 0, output);
  const root = Math.sqrt((9 + 16) / 2);
  // A run of zeros has no direction: 0 / 0.
  expect([...output.slice(0, 2)]).toEqual([Math.fround(3 / root), Math.fround((4 / root) * 2)]);
  expect([...output.slice(2, 4)]).toEqual([Number.NaN, Number.NaN]);
  expect([...output.slice(4)]).toEqual([...output.slice(0, 2)]);
});

it('adds epsilon under the root, and may write over its input', () => {
  const values = Float32Array.of(3, 4, 0);
  rmsNorm(values, { weight: Float32Array.of(1, 1, 1) }, 11 / 3, values);
  expect(values).toEqual(Float32Array.of(3 / Math.sqrt(12), 4 / Math.sqrt(12), 0));
});

it('adds a bias last', () => {
  const output = new Float32Array(2);
  rmsNorm(Float32Array.of(3, 3), { weight: Float32Array.of(1, 2), bias: Float32Array.of(10, -1) }, 0, output);
  expect([...output]).toEqual([11, 1]);
});
