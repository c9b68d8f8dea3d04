import type { LinearDescription } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { describe, it } from 'vitest';
import { createRandom } from '../random.ts';
import { memoryBytes, type SyntheticTensor, tensorReader } from '../synthetic-tensor.ts';
import { type ActivationCase, activationCases, buildActivationCase } from './activation-cases.ts';
import { expectClose } from './expect-close.ts';
import { expectedExecution } from './expected-execution.ts';
import { expectedLinear } from './expected-linear.ts';
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
            const linear = await kernel.prepare(description, { device, numerics, bytes: memoryBytes(tensors) });
            try {
              for (const phase of [undefined, 'prefill', 'decode'] as const) {
                const expected =
                  numerics === 'exact'
                    ? expectedLinear(x, dequantizeWeight(weight, read), weight.inFeatures)
                    : expectedExecution(description, phase, x, read);
                expectClose(await linear.forward(x, rows, phase), expected, subject.tolerance);
              }
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
  const { weight: weightCase, tensors, ...executions } = buildActivationCase(name);
  const { weight, tensors: weightTensors } = buildWeightCase(weightCase);
  return {
    description: { kind: 'linear', module: name, scheme: 'synthetic', weight, ...executions },
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
