import type { ActivationQuantization } from '@lowbit/core';
import { expect, it } from 'vitest';
import { settleTies } from './settle-ties.ts';

const activations = (divisor = 127.5): ActivationQuantization => ({
  type: 'i8',
  granularity: { kind: 'token' },
  scale: { kind: 'dynamic', symmetric: true, divisor },
  rounding: 'half-even',
});

/** Two outputs of three inputs. Row 0 has its largest magnitude at a negative input, row 1 at a positive one. */
const weight = Float32Array.of(1, 2, 3, -1, 0.5, 0.25);
const x = Float32Array.of(0.5, -255, 3, 255, -7, 1);
const computed = Float32Array.of(10, 20, 30, 40);
const run = { rows: 2, x, computed, weight };
/** Of row 0: amax / 127.5 = 2, times the weights of input 1. */
const step = [4, 1] as const;

it.each([1, -1])('takes the code at the tie the other way, by exactly one step: %i', (sign) => {
  const recorded = Float32Array.of(10 + sign * step[0], 20 + sign * step[1], 30, 40);
  const settled = settleTies({ ...run, recorded, activations: activations() });
  expect(settled).toEqual({ values: recorded, flippedRows: [0] });
});

it('leaves rows alone that agree already, or that have no tie', () => {
  const recorded = Float32Array.of(10.0001, 20, 30 + 4, 40 + 1);
  const settled = settleTies({ ...run, recorded, activations: activations() });
  expect(settled).toEqual({ values: computed, flippedRows: [] });
});

it('does not explain another difference', () => {
  const recorded = Float32Array.of(10 + step[0], 20 - step[1], 30, 40);
  const { values } = settleTies({ ...run, recorded, activations: activations() })!;
  expect(values[1]).not.toBeCloseTo(recorded[1]!, 1);
});

it('looks at each group of features', () => {
  const grouped = { ...activations(), granularity: { kind: 'group', size: 2 } } as const;
  // Groups (0.5, -255) and (3); (255, -7) and (1), negated: a tie in the second group alone.
  const negated = { ...run, x: Float32Array.of(0.5, 255, -3, 255, -7, 1) };
  const recorded = Float32Array.from([10 + 3 * (3 / 127.5), 20 + 0.25 * (3 / 127.5), 30, 40]);
  const { values, flippedRows } = settleTies({ ...negated, recorded, activations: grouped })!;
  expect(flippedRows).toEqual([0]);
  expect(values[0]).toBeCloseTo(recorded[0]!, 5);
});

it('knows no tie where -amax has only one code, or none halfway', () => {
  const recorded = Float32Array.of(14, 21, 30, 40);
  const settle = (other: Partial<ActivationQuantization>) =>
    settleTies({ ...run, recorded, activations: { ...activations(), ...other } });
  expect(settle(activations(127))).toBeUndefined();
  expect(settle({ type: 'f8e4m3' })).toBeUndefined();
  expect(settle({ type: 'u8' })).toBeUndefined();
  expect(settle({ type: 'i4' })).toBeUndefined();
  expect(settleTies({ ...run, recorded, activations: undefined })).toBeUndefined();
});
