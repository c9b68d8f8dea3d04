import type { Linear, Phase } from '@lowbit/core';
import { expect, it } from 'vitest';
import { forwardRows } from './forward-rows.ts';

/** Two outputs: the sum of the row, and the row's phase. */
function madeUpLinear() {
  const calls: [rows: number, phase: Phase | undefined][] = [];
  const linear: Linear = {
    async forward(input, rows, phase) {
      calls.push([rows, phase]);
      const sums = Array.from(
        { length: rows },
        (_, row) => input[3 * row]! + input[3 * row + 1]! + input[3 * row + 2]!,
      );
      return Float32Array.from(sums.flatMap((sum) => [sum, phase === 'decode' ? 1 : 0]));
    },
    release() {},
  };
  return { linear, calls };
}

const input = Float32Array.from({ length: 12 }, (_, i) => i);

it('runs rows of one phase as they are', async () => {
  for (const phase of ['prefill', 'decode'] as const) {
    const { linear, calls } = madeUpLinear();
    const flag = phase === 'decode' ? 1 : 0;
    const output = await forwardRows(linear, input, [phase, phase, phase, phase]);
    expect([...output]).toEqual([3, flag, 12, flag, 21, flag, 30, flag]);
    expect(calls).toEqual([[4, phase]]);
  }
});

it('runs mixed rows in one forward per phase and puts them back in their places', async () => {
  const { linear, calls } = madeUpLinear();
  const output = await forwardRows(linear, input, ['decode', 'prefill', 'prefill', 'decode']);
  expect([...output]).toEqual([3, 1, 12, 0, 21, 0, 30, 1]);
  expect(calls).toEqual([
    [2, 'prefill'],
    [2, 'decode'],
  ]);
});

it('runs no rows', async () => {
  const { linear } = madeUpLinear();
  expect(await forwardRows(linear, new Float32Array(), [])).toHaveLength(0);
});
