import type { LinearDescription, MoeDescription, Routing } from '@lowbit/core';
import { plain } from '@lowbit/core';
import { memoryBytes, type SyntheticTensor, syntheticTensor } from '@lowbit/testkit';
import { describe, expect, it } from 'vitest';
import { experts } from './experts.ts';

const device = { kind: 'cpu', name: 'test' };
const hiddenSize = 3;
const intermediateSize = 2;
const tensors: SyntheticTensor[] = [];

function linear(module: string, outFeatures: number, inFeatures: number, values: readonly number[]): LinearDescription {
  const form = { type: 'f32', dtype: 'F32', shape: [outFeatures, inFeatures], layout: plain('out', 'in') } as const;
  const extents = [['out', outFeatures] as const, ['in', inFeatures] as const];
  const { stored, ...tensor } = syntheticTensor(module, form, extents, values);
  tensors.push({ stored, ...tensor } as SyntheticTensor);
  return { kind: 'linear', module, scheme: 'test', weight: { outFeatures, inFeatures, codes: stored, scales: [] } };
}

const description: MoeDescription = {
  kind: 'moe',
  module: 'experts',
  scheme: 'test',
  experts: [0, 1, 2].map((expert) => ({
    gate: linear(`${expert}.gate`, intermediateSize, hiddenSize, [1, 0, expert, 0, 1, -expert]),
    up: linear(`${expert}.up`, intermediateSize, hiddenSize, [1, 1, 1, expert, 0, 1]),
    down: linear(`${expert}.down`, hiddenSize, intermediateSize, [1, 2, 3, 4, 5, 6 + expert]),
  })),
};

/** One expert on one row, straight from the formula. */
function expertOutput(expert: number, x: readonly number[]): number[] {
  const rows = (values: readonly number[], width: number) =>
    Array.from({ length: values.length / width }, (_, row) => values.slice(row * width, (row + 1) * width));
  const times = (matrix: readonly (readonly number[])[], vector: readonly number[]) =>
    matrix.map((row) => row.reduce((sum, weight, i) => sum + weight * vector[i]!, 0));
  const gate = times(rows([1, 0, expert, 0, 1, -expert], 3), x);
  const up = times(rows([1, 1, 1, expert, 0, 1], 3), x);
  const hidden = gate.map((value, i) => (value / (1 + Math.exp(-value))) * up[i]!);
  return times(rows([1, 2, 3, 4, 5, 6 + expert], 2), hidden);
}

const inputs = [
  [1, 2, 3],
  [-1, 0.5, 2],
  [0.25, -3, 1],
];

async function run(rows: readonly (readonly number[])[], routed: Omit<Routing, 'phases'>): Promise<number[]> {
  const moe = await experts.prepare(description, { device, numerics: 'exact', bytes: memoryBytes(tensors) });
  const phases = rows.map(() => 'prefill' as const);
  const output = await moe.forward(Float32Array.from(rows.flat()), { ...routed, phases });
  moe.release();
  return [...output];
}

const ofRow = (row: number, chosen: readonly number[], weights: readonly number[]) => {
  const outputs = chosen.map((expert) => expertOutput(expert, inputs[row]!));
  return [0, 1, 2].map((i) => outputs.reduce((sum, output, slot) => sum + weights[slot]! * output[i]!, 0));
};

describe('experts', () => {
  it('adds the outputs of the chosen experts by weight', async () => {
    const chosen = [0, 2, 1, 0, 2, 1];
    const weights = [0.5, 0.25, 1, 0, 0.75, 0.5];
    const output = await run(inputs, {
      topK: 2,
      experts: Int32Array.from(chosen),
      weights: Float32Array.from(weights),
    });
    const expected = inputs.flatMap((_, row) =>
      ofRow(row, chosen.slice(2 * row, 2 * row + 2), weights.slice(2 * row, 2 * row + 2)),
    );
    for (const [i, value] of output.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
  });

  it('gives each row the same bits alone as beside others: all to one expert, an expert without rows, all experts', async () => {
    for (const chosen of [
      [1, 1, 1],
      [0, 0, 2],
    ]) {
      const together = await run(inputs, {
        topK: 1,
        experts: Int32Array.from(chosen),
        weights: Float32Array.of(0.3, 0.7, 1),
      });
      for (const [row, expert] of chosen.entries()) {
        const weights = Float32Array.of([0.3, 0.7, 1][row]!);
        const alone = await run([inputs[row]!], { topK: 1, experts: Int32Array.of(expert), weights });
        expect(together.slice(3 * row, 3 * row + 3)).toEqual(alone);
      }
    }
    const everyone = await run([inputs[0]!], {
      topK: 3,
      experts: Int32Array.of(2, 0, 1),
      weights: Float32Array.of(1, 1, 1),
    });
    const expected = ofRow(0, [0, 1, 2], [1, 1, 1]);
    for (const [i, value] of everyone.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
  });

  it('counts the bytes of all experts, and refuses what one of them cannot', () => {
    expect(experts.bytes(description)).toBe(3 * 3 * hiddenSize * intermediateSize * 4);
    expect(experts.refuse(description, device, 'exact')).toBeUndefined();
    const [first, second, third] = description.experts;
    const odd: LinearDescription = {
      ...second!.down,
      activations: {
        type: 'i8',
        granularity: { kind: 'group', size: 0 },
        scale: { kind: 'dynamic', symmetric: true, divisor: 127 },
        rounding: 'half-even',
      },
    };
    const refusal = experts.refuse(
      { ...description, experts: [first!, { ...second!, down: odd }, third!] },
      device,
      'faithful',
    );
    expect(refusal).toMatchObject({ by: 'reference/experts', message: expect.stringMatching(/^1\.down: /) });
  });
});
