import type { LinearDescription, Numerics } from '@lowbit/core';
import { plain, quotient, remainder, whole } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { memoryBytes, type SyntheticWeightOptions, syntheticWeight, tensorReader } from '@lowbit/testkit';
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { linear } from '../kernels/linear.ts';

export interface MadeLinear {
  readonly description: LinearDescription;
  readonly tensors: ReturnType<typeof syntheticWeight>['tensors'];
}

export function makeLinear(options: SyntheticWeightOptions): MadeLinear {
  const { weight, tensors } = syntheticWeight(options);
  return { description: { kind: 'linear', module: options.name, scheme: 'synthetic', weight }, tensors };
}

/** 4-bit codes with zero points in groups of 64. */
export function fourBits(outFeatures: number, inFeatures: number): Omit<SyntheticWeightOptions, 'name' | 'seed'> {
  const table = { shape: [outFeatures, inFeatures / 64], layout: plain('out', 'in'), block: [1, 64] } as const;
  return {
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
  };
}

/**
 * The largest error of a linear's outputs, each as a part of the sum of the magnitudes of its products.
 * @param inputs x of each run, `[rows, inFeatures]`
 */
export async function worstError(
  { description, tensors }: MadeLinear,
  device: WebgpuDevice,
  numerics: Numerics,
  inputs: readonly Float32Array[],
): Promise<number> {
  const { weight } = description;
  const { outFeatures, inFeatures } = weight;
  const prepared = await linear.prepare(description, { device, numerics, bytes: memoryBytes(tensors) });
  const numbers = dequantizeWeight(weight, tensorReader(tensors));
  let worst = 0;
  for (const x of inputs) {
    const y = await prepared.forward(x, x.length / inFeatures);
    for (const [place, actual] of y.entries()) {
      const [row, out] = [Math.floor(place / outFeatures), place % outFeatures];
      let [sum, magnitude] = [0, 0];
      for (let i = 0; i < inFeatures; i++) {
        const product = x[row * inFeatures + i]! * numbers[out * inFeatures + i]!;
        sum += product;
        magnitude += Math.abs(product);
      }
      // NaN is no small error.
      const error = Math.abs(actual - sum) / magnitude;
      worst = Math.max(error, worst);
    }
  }
  prepared.release();
  return worst;
}
