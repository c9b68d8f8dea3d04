import type { LinearDescription } from '@lowbit/core';
import { decodeCodes, decodeStored, dequantizeWeight, type ReadTensor } from '@lowbit/numerics';
import { describe, it } from 'vitest';
import { createRandom } from '../random.ts';
import { memoryBytes, type SyntheticTensor, tensorReader } from '../synthetic-tensor.ts';
import { type ActivationCase, activationCases, buildActivationCase } from './activation-cases.ts';
import { expectClose } from './expect-close.ts';
import { expectedActivations } from './expected-activations.ts';
import { type Expected, expectedLinear } from './expected-linear.ts';
import { type Subject, skipRefused } from './subject.ts';
import { buildWeightCase } from './weight-cases.ts';

const rows = 5;

/** Every linear kernel over every way to quantize activations; with numerics `exact` they must stay as they are. */
export function activationSuite(subject: Subject): void {
  for (const kernel of subject.backend.kernels.linear) {
    describe(`linear kernel ${kernel.name}`, () => {
      for (const name of activationCases) {
        for (const numerics of ['faithful', 'exact'] as const) {
          it(`activations:${name}, ${numerics}`, async (context) => {
            const device = await subject.device(context);
            const { description, tensors } = describeActivationCase(name);
            const { weight } = description;
            const refusal = kernel.refuse(description, device, numerics);
            if (refusal) return skipRefused(context, [refusal]);

            const x = makeInput(weight.inFeatures);
            const read = tensorReader(tensors);
            const expected =
              numerics === 'exact'
                ? expectedLinear(x, dequantizeWeight(weight, read), weight.inFeatures)
                : expectedFaithful(description, x, read);
            const linear = await kernel.prepare(description, { device, numerics, bytes: memoryBytes(tensors) });
            try {
              expectClose(await linear.forward(x, rows), expected, subject.tolerance);
            } finally {
              linear.release();
            }
          });
        }
      }
    });
  }
}

export function describeActivationCase(name: ActivationCase): {
  readonly description: LinearDescription;
  readonly tensors: readonly SyntheticTensor[];
} {
  const { weight: weightCase, activations, integer, tensors } = buildActivationCase(name);
  const { weight, tensors: weightTensors } = buildWeightCase(weightCase);
  const common = { kind: 'linear', module: name, scheme: 'synthetic' } as const;
  return {
    description: { ...common, weight, activations, ...(integer ? { integer } : {}) },
    tensors: [...weightTensors, ...tensors],
  };
}

/** One row of zeros, one with an outlier, one of small numbers. */
function makeInput(inFeatures: number): Float32Array {
  const x = createRandom(inFeatures).floats(rows * inFeatures);
  x.fill(0, inFeatures, 2 * inFeatures);
  x[2 * inFeatures + 5] = 11.3;
  for (let i = 3 * inFeatures; i < 4 * inFeatures; i++) x[i]! *= 1e-3;
  return x;
}

function expectedFaithful(description: LinearDescription, x: Float32Array, read: ReadTensor): Expected {
  const { weight, activations, integer } = description;
  const { inFeatures, outFeatures } = weight;
  const { codes, values } = expectedActivations(x, inFeatures, activations!, read);
  if (!integer) return expectedLinear(values, dequantizeWeight(weight, read), inFeatures);

  const extents = [['out', outFeatures] as const, ['in', inFeatures] as const];
  const weightCodes = decodeStored(weight.codes, read(weight.codes.ref), extents);
  const sums = expectedLinear(Float32Array.from(codes), weightCodes, inFeatures);
  const bias = decodeCodes(integer.accumulatorBias, read(integer.accumulatorBias.ref), [['out', outFeatures]]);
  const scale = decodeStored(integer.outputScale, read(integer.outputScale.ref), [['out', outFeatures]]);
  const values64 = sums.values.map((sum, i) => (sum + bias[i % outFeatures]!) * scale[i % outFeatures]!);
  // Integer sums are exact: only the last multiplication may round.
  return { values: values64, magnitudes: values64.map(Math.abs) };
}
