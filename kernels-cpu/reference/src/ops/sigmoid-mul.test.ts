import { expect, it } from 'vitest';
import { sigmoidMul } from './sigmoid-mul.ts';

it('gates each row by one number, in place too', () => {
  const values = Float32Array.of(1, 2, 3, 4);
  sigmoidMul(Float32Array.of(0, Math.log(3)), values, values);
  expect([...values]).toEqual([0.5, 1, 2.25, 3].map(Math.fround));
});
