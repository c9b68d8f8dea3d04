import { type LinearDescription, type Numerics, plain, quotient, remainder, whole } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { memoryBytes, type SyntheticWeightOptions, syntheticWeight, tensorReader } from '@lowbit/testkit';
import { expect, it } from 'vitest';
import { linear } from '../kernels/linear.ts';
import { softwareDevice } from '../test-support/software-device.ts';

const outFeatures = 21;

/** Two slices for some threads, as many as outputs for none. */
const inFeatures = 8256;

const cases: Readonly<Record<string, Omit<SyntheticWeightOptions, 'name' | 'seed'>>> = {
  '4-bit codes with zero points in groups of 64': {
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
    scales: [{ type: 'f16', dtype: 'F16', shape: [outFeatures, 129], layout: plain('out', 'in'), block: [1, 64] }],
    zero: { type: 'i8', dtype: 'I8', shape: [outFeatures, 129], layout: plain('out', 'in'), block: [1, 64] },
  },
  '8-bit codes with a scale per channel': {
    outFeatures,
    inFeatures,
    codes: { type: 'i8', dtype: 'I8', shape: [outFeatures, inFeatures], layout: plain('out', 'in') },
    scales: [
      { type: 'f32', dtype: 'F32', shape: [outFeatures, 1], layout: plain('out', 'in'), block: [1, inFeatures] },
    ],
  },
};

/** Of the sum of the magnitudes: f32 sums, and 16 bits of the largest number among 32. */
const tolerances: Readonly<Partial<Record<Numerics, number>>> = { exact: 2e-6, fast: 3e-5 };

// What is left out here, the conformance suite has: each of these shaders takes a driver in software seconds to compile.
const numericsOf: Readonly<Record<string, readonly Numerics[]>> = {
  '4-bit codes with zero points in groups of 64': ['exact', 'fast'],
  '8-bit codes with a scale per channel': ['fast'],
};

for (const [name, options] of Object.entries(cases)) {
  it.for(numericsOf[name]!)(`multiplies ${name}, %s`, async (numerics, context) => {
    const device = await softwareDevice(context);
    const { weight, tensors } = syntheticWeight({ ...options, name, seed: 3 });
    const description: LinearDescription = { kind: 'linear', module: name, scheme: 'synthetic', weight };
    const prepared = await linear.prepare(description, { device, numerics, bytes: memoryBytes(tensors) });
    // One number far larger than the rest: the others of its slice keep the fewest bits.
    const x = Float32Array.from({ length: inFeatures }, (_, i) => Math.sin(i * i) * (i === 77 ? 30 : 1));
    const y = await prepared.forward(x, 1);
    prepared.release();
    const numbers = dequantizeWeight(weight, tensorReader(tensors));
    for (let out = 0; out < outFeatures; out++) {
      let [sum, magnitude] = [0, 0];
      for (let i = 0; i < inFeatures; i++) {
        const product = x[i]! * numbers[out * inFeatures + i]!;
        sum += product;
        magnitude += Math.abs(product);
      }
      expect(Math.abs(y[out]! - sum) / magnitude, `output ${out}`).toBeLessThan(tolerances[numerics]!);
    }
  });
}

it('says what fast numerics round', () => {
  const { weight } = syntheticWeight({ ...cases['8-bit codes with a scale per channel']!, name: 'w', seed: 1 });
  const description: LinearDescription = { kind: 'linear', module: 'w', scheme: 'synthetic', weight };
  expect(linear.approximation?.(description, 'fast')).toBe(
    'activations rounded to 16 bits per token and 32 features, of many rows at once to 8 bits per token and 128 features',
  );
  expect(linear.approximation?.(description, 'exact')).toBeUndefined();
});
