import { type Numerics, plain } from '@lowbit/core';
import type { SyntheticWeightOptions } from '@lowbit/testkit';
import { expect, it } from 'vitest';
import { linear } from '../kernels/linear.ts';
import { fourBits, makeLinear, worstError } from '../test-support/linear-error.ts';
import { softwareDevice } from '../test-support/software-device.ts';

const outFeatures = 21;

/** Two slices for some threads, as many as outputs for none. */
const inFeatures = 8256;

const cases: Readonly<Record<string, Omit<SyntheticWeightOptions, 'name' | 'seed'>>> = {
  '4-bit codes with zero points in groups of 64': fourBits(outFeatures, inFeatures),
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
    // One number far larger than the rest: the others of its slice keep the fewest bits.
    const x = Float32Array.from({ length: inFeatures }, (_, i) => Math.sin(i * i) * (i === 77 ? 30 : 1));
    const worst = await worstError(makeLinear({ ...options, name, seed: 3 }), device, numerics, [x]);
    expect(worst).toBeLessThan(tolerances[numerics]!);
  });
}

it('says what fast numerics round', () => {
  const { description } = makeLinear({ ...cases['8-bit codes with a scale per channel']!, name: 'w', seed: 1 });
  expect(linear.approximation?.(description, 'fast')).toBe(
    'activations rounded to 16 bits per token and 32 features, of many rows at once to 8 bits per token and 128 features',
  );
  expect(linear.approximation?.(description, 'exact')).toBeUndefined();
});
