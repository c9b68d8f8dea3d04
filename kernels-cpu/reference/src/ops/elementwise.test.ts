import { expect, it } from 'vitest';
import { add } from './add.ts';
import { siluMul } from './silu-mul.ts';

it('silu-mul is gate * sigmoid(gate) * up', () => {
  const gate = Float32Array.of(0, 1, -2, 1000, -1000);
  const up = Float32Array.of(3, 2, 5, 0.5, 2);
  const output = new Float32Array(5);
  siluMul(gate, up, output);
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  expect([...output].map((x) => x + 0)).toEqual([
    0,
    Math.fround(2 * sigmoid(1)),
    Math.fround(-2 * sigmoid(-2) * 5),
    500,
    0,
  ]);
});

it('add may write over one of its inputs', () => {
  const left = Float32Array.of(1, 2, 3);
  add(left, Float32Array.of(10, 20, 30), left);
  expect([...left]).toEqual([11, 22, 33]);
});
