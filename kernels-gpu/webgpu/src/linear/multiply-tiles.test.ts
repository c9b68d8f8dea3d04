import { type LinearDescription, type Numerics, plain, quotient, remainder, whole } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { memoryBytes, syntheticWeight, tensorReader } from '@lowbit/testkit';
import { expect, it } from 'vitest';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { experts } from '../kernels/experts.ts';
import { linear } from '../kernels/linear.ts';
import { softwareDevice } from '../test-support/software-device.ts';

/** 4-bit codes with zero points in groups of 64; neither extent fills whole tiles. */
function fourBits(name: string, outFeatures: number, inFeatures: number, seed: number) {
  const groups = inFeatures / 64;
  const table = { shape: [outFeatures, groups], layout: plain('out', 'in'), block: [1, 64] } as const;
  const { weight, tensors } = syntheticWeight({
    name,
    outFeatures,
    inFeatures,
    codes: {
      type: 'u4',
      dtype: 'I32',
      shape: [outFeatures, inFeatures / 8],
      layout: {
        axes: [[whole('out')], [quotient('in', 8)]],
        packed: { bits: 4, word: 32, fields: [remainder('in', 8)] },
      },
    },
    scales: [{ type: 'f16', dtype: 'F16', ...table }],
    zero: { type: 'i8', dtype: 'I8', ...table },
    seed,
  });
  const description: LinearDescription = { kind: 'linear', module: name, scheme: 'synthetic', weight };
  return { description, tensors };
}

/** The largest error of y, as a part of the sum of the magnitudes. */
async function worstError(device: WebgpuDevice, numerics: Numerics, rowCounts: readonly number[]): Promise<number> {
  const [outFeatures, inFeatures] = [133, 192];
  const { description, tensors } = fourBits('w', outFeatures, inFeatures, 1);
  const prepared = await linear.prepare(description, { device, numerics, bytes: memoryBytes(tensors) });
  const numbers = dequantizeWeight(description.weight, tensorReader(tensors));
  let worst = 0;
  for (const rows of rowCounts) {
    const x = Float32Array.from({ length: rows * inFeatures }, (_, i) => Math.sin(i * i));
    const y = await prepared.forward(x, rows);
    for (const [place, actual] of y.entries()) {
      const [row, out] = [Math.floor(place / outFeatures), place % outFeatures];
      let [sum, magnitude] = [0, 0];
      for (let i = 0; i < inFeatures; i++) {
        const product = x[row * inFeatures + i]! * numbers[out * inFeatures + i]!;
        sum += product;
        magnitude += Math.abs(product);
      }
      worst = Math.max(worst, Math.abs(actual - sum) / magnitude);
    }
  }
  prepared.release();
  return worst;
}

it('multiplies many rows by bytes in fast numerics', async (context) => {
  const device = await softwareDevice(context);
  // Half a step of 127, where the largest of 64 numbers is at most twice the mean; and not exact, or it were no bytes.
  const worst = await worstError(device, 'fast', [17]);
  expect(worst).toBeLessThan(1 / 127);
  expect(worst).toBeGreaterThan(3e-5);
});

it('adds up in workgroup memory without subgroups, two rows at once and in tiles', async (context) => {
  const { subgroupSize: _, ...device } = await softwareDevice(context);
  expect(await worstError(device, 'exact', [3, 45])).toBeLessThan(2e-6);
}, 120_000);

it('sorts rows by expert into tiles, of one expert into several', async (context) => {
  const device = await softwareDevice(context);
  const [hiddenSize, intermediateSize, topK, rows] = [64, 64, 2, 64];
  const tensors = [];
  const made = [];
  for (let expert = 0; expert < 3; expert++) {
    const gate = fourBits(`${expert}.gate`, intermediateSize, hiddenSize, 3 * expert);
    const up = fourBits(`${expert}.up`, intermediateSize, hiddenSize, 3 * expert + 1);
    const down = fourBits(`${expert}.down`, hiddenSize, intermediateSize, 3 * expert + 2);
    tensors.push(...gate.tensors, ...up.tensors, ...down.tensors);
    made.push({ gate: gate.description, up: up.description, down: down.description });
  }
  const prepared = await experts.prepare(
    { kind: 'moe', module: 'experts', scheme: 'synthetic', experts: made },
    { device, numerics: 'exact', bytes: memoryBytes(tensors) },
  );
  const x = Float32Array.from({ length: rows * hiddenSize }, (_, i) => Math.sin(i * i));
  // Expert 1 has more rows than a tile, expert 2 few, expert 0 none.
  const chosen = Int32Array.from({ length: rows * topK }, (_, i) => (i % 13 === 0 ? 2 : 1));
  const weights = Float32Array.from({ length: rows * topK }, (_, i) => 1 / (1 + (i % 3)));
  const run = (first: number, count: number) =>
    prepared.forward(x.slice(first * hiddenSize, (first + count) * hiddenSize), {
      topK,
      experts: chosen.slice(first * topK, (first + count) * topK),
      weights: weights.slice(first * topK, (first + count) * topK),
      phases: Array(count).fill('prefill'),
    });
  const together = await run(0, rows);
  const largest = Math.max(...together.map(Math.abs));
  for (const row of [0, 31, 63]) {
    const alone = await run(row, 1);
    for (const [i, value] of alone.entries()) {
      expect(Math.abs(together[row * hiddenSize + i]! - value) / largest, `row ${row}, ${i}`).toBeLessThan(2e-6);
    }
  }
  prepared.release();
}, 120_000);
