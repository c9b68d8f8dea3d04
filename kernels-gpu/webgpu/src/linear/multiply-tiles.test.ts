import { memoryBytes } from '@lowbit/testkit';
import { expect, it } from 'vitest';
import { experts } from '../kernels/experts.ts';
import { fourBits, makeLinear, worstError } from '../test-support/linear-error.ts';
import { softwareDevice } from '../test-support/software-device.ts';

// Neither extent fills whole tiles.
const odd = makeLinear({ ...fourBits(133, 192), name: 'w', seed: 1 });
const inputOf = (rows: number) => Float32Array.from({ length: rows * 192 }, (_, i) => Math.sin(i * i));

it('multiplies many rows by bytes in fast numerics', async (context) => {
  const device = await softwareDevice(context);
  // Half a step of 127, where the largest of 64 numbers is at most twice the mean; and not exact, or it were no bytes.
  const worst = await worstError(odd, device, 'fast', [inputOf(17)]);
  expect(worst).toBeLessThan(1 / 127);
  expect(worst).toBeGreaterThan(3e-5);
});

it('adds up in workgroup memory without subgroups, two rows at once and in tiles', async (context) => {
  const { subgroupSize: _, ...rest } = await softwareDevice(context);
  const device = { ...rest, software: false };
  expect(await worstError(odd, device, 'exact', [inputOf(3), inputOf(45)])).toBeLessThan(2e-6);
}, 120_000);

it('sorts rows by expert into tiles, of one expert into several', async (context) => {
  const device = await softwareDevice(context);
  const [hiddenSize, intermediateSize, topK, rows] = [64, 64, 2, 64];
  const tensors = [];
  const made = [];
  for (let expert = 0; expert < 3; expert++) {
    const gate = makeLinear({ ...fourBits(intermediateSize, hiddenSize), name: `${expert}.gate`, seed: 3 * expert });
    const up = makeLinear({ ...fourBits(intermediateSize, hiddenSize), name: `${expert}.up`, seed: 3 * expert + 1 });
    const down = makeLinear({
      ...fourBits(hiddenSize, intermediateSize),
      name: `${expert}.down`,
      seed: 3 * expert + 2,
    });
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
