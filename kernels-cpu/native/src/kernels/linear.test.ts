import { formatRefusal, type LinearDescription, plain } from '@lowbit/core';
import { memoryBytes, syntheticTensor } from '@lowbit/testkit';
import { expect, it } from 'vitest';
import { probe } from '../device/probe.ts';
import { linear } from './linear.ts';

/** 300 outputs in ten blocks, int4 codes in groups of 32. */
function describeLinear() {
  const [outFeatures, inFeatures] = [300, 96];
  const numbers = (count: number, number: (i: number) => number) =>
    Float32Array.from({ length: count }, (_, i) => number(i));
  const codes = syntheticTensor(
    'codes',
    { type: 'i8', dtype: 'I8', shape: [outFeatures, inFeatures], layout: plain('out', 'in') },
    [
      ['out', outFeatures],
      ['in', inFeatures],
    ],
    numbers(outFeatures * inFeatures, (i) => ((i * 37) % 255) - 127),
  );
  const scales = syntheticTensor(
    'scales',
    { type: 'f16', dtype: 'F16', shape: [outFeatures, 3], layout: plain('out', 'in') },
    [
      ['out', outFeatures],
      ['in', 3],
    ],
    numbers(outFeatures * 3, (i) => 2 ** -((i % 5) + 4)),
  );
  const weight = {
    outFeatures,
    inFeatures,
    codes: codes.stored,
    scales: [{ ...scales.stored, block: [1, 32] as const }],
  };
  const description: LinearDescription = { kind: 'linear', module: 'test', scheme: 'test', weight };
  return { description, bytes: memoryBytes([codes, scales]) };
}

it.for(['exact', 'fast'] as const)('gives the same bits with any number of threads, %s', async (numerics, context) => {
  const result = await probe();
  if (result.kind === 'unavailable') return context.skip(formatRefusal(result.refusal));
  const { description, bytes } = describeLinear();
  const rows = 7;
  const x = Float32Array.from({ length: rows * 96 }, (_, i) => Math.sin(i));
  const outputs: Float32Array[] = [];
  for (const threads of [1, 2, 3, 16]) {
    const prepared = await linear.prepare(description, { device: { ...result.device, threads }, numerics, bytes });
    outputs.push(await prepared.forward(x, rows));
    prepared.release();
    await expect(async () => prepared.forward(x, rows)).rejects.toThrow('the executable is closed');
  }
  for (const other of outputs) expect(other).toEqual(outputs[0]);
});

it('refuses integer constants for codes that it does not multiply, unless numerics are exact', () => {
  const { description } = describeLinear();
  const { codes } = description.weight;
  const withIntegers: LinearDescription = {
    ...description,
    activations: {
      type: 'u8',
      granularity: { kind: 'tensor' },
      scale: { kind: 'static', scale: codes },
      rounding: 'half-even',
    },
    integer: { accumulatorBias: codes, outputScale: codes },
  };
  const device = { kind: 'cpu', name: 'test', threads: 1, instructionSet: 'plain' };
  const refusal = linear.refuse(withIntegers, device, 'faithful');
  expect(refusal && formatRefusal(refusal)).toBe(
    'native/linear: integer constants for i8 weights and u8 activations, needs integers of at most 8 bits, activations signed (Run with numerics exact: activations are then left as they are.)',
  );
  expect(linear.refuse(withIntegers, device, 'fast')).toEqual(refusal);
  expect(linear.refuse(withIntegers, device, 'exact')).toBeUndefined();
});

it('says what fast approximates', () => {
  const { description } = describeLinear();
  expect(linear.approximation?.(description, 'fast')).toBe(
    'activations rounded to 8 bits per token and 32 features, where the checkpoint leaves them',
  );
  expect(linear.approximation?.(description, 'faithful')).toBeUndefined();
});

it('announces the bytes that it takes', async (context) => {
  const result = await probe();
  if (result.kind === 'unavailable') return context.skip(formatRefusal(result.refusal));
  // Ten blocks of three groups: 32 rows of 32 codes, a scale of two bytes each.
  expect(linear.bytes(describeLinear().description)).toBe(10 * 3 * 32 * (32 + 2));
});
