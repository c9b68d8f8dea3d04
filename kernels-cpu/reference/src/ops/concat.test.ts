import { expect, it } from 'vitest';
import { concat } from './concat.ts';

const values: Readonly<Record<string, Float32Array>> = {
  // Two rows of two heads of three, and two rows of two features.
  heads: Float32Array.of(1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16),
  shared: Float32Array.of(7, 8, 17, 18),
};

it('puts each head together from its own slice and one that all heads share', () => {
  const output = new Float32Array(12);
  const parts = [
    { input: 'heads', start: 1, stride: 3, size: 2 },
    { input: 'shared', start: 1, stride: 0, size: 1 },
  ];
  concat({ heads: 2, parts }, (name) => values[name]!, output);
  expect([...output]).toEqual([2, 3, 8, 5, 6, 8, 12, 13, 18, 15, 16, 18]);
});

it('splits a value with one head', () => {
  const output = new Float32Array(4);
  concat({ heads: 1, parts: [{ input: 'heads', start: 4, stride: 0, size: 2 }] }, (name) => values[name]!, output);
  expect([...output]).toEqual([5, 6, 15, 16]);
});
