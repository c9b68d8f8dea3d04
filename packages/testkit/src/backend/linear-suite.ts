import { type LinearDescription, plain } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { memoryBytes, type SyntheticTensor, syntheticTensor, tensorReader } from '../synthetic-tensor.ts';
import { expectClose } from './expect-close.ts';
import { expectedLinear } from './expected-linear.ts';
import { type Subject, skipRefused } from './subject.ts';
import { buildWeightCase, type WeightCase, weightCases } from './weight-cases.ts';

/** Rows of one call: the least, an odd number, and more than a tile of most kernels. */
const rowCounts = [1, 3, 17];

/** Every linear kernel over every stored layout, activations untouched. */
export function linearSuite(subject: Subject): void {
  for (const kernel of subject.backend.kernels.linear) {
    describe(`linear kernel ${kernel.name}`, () => {
      for (const name of weightCases) {
        it(`weight:${name}`, async (context) => {
          const device = await subject.device(context);
          const { description, tensors } = describeCase(name);
          const refusal = kernel.refuse(description, device, 'exact');
          if (refusal) return skipRefused(context, [refusal]);

          const { inFeatures } = description.weight;
          const weight = dequantizeWeight(description.weight, tensorReader(tensors));
          const linear = await kernel.prepare(description, { device, numerics: 'exact', bytes: memoryBytes(tensors) });
          try {
            for (const rows of rowCounts) {
              const x = createRandom(rows).floats(rows * inFeatures);
              const expected = expectedLinear(x, weight, inFeatures, biasOf(description.weight.outFeatures));
              expectClose(await linear.forward(x, rows), expected, subject.tolerance);
            }
            expect(await linear.forward(new Float32Array(), 0), 'no rows').toHaveLength(0);
          } finally {
            linear.release();
          }
        });
      }
    });
  }
}

export function describeCase(name: WeightCase): {
  readonly description: LinearDescription;
  readonly tensors: readonly SyntheticTensor[];
} {
  const { weight, tensors } = buildWeightCase(name);
  const { outFeatures } = weight;
  const form = { type: 'f32', dtype: 'F32', shape: [outFeatures], layout: plain('out') } as const;
  const { stored, ...bias } = syntheticTensor(`${name}.bias`, form, [['out', outFeatures]], biasOf(outFeatures));
  const description = { kind: 'linear', module: name, scheme: 'synthetic', weight, bias: stored } as const;
  return { description, tensors: [...tensors, bias] };
}

function biasOf(outFeatures: number): Float32Array {
  return createRandom(outFeatures).floats(outFeatures);
}
