import { type LinearDescription, plain, type Stored } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { describe, expect, it } from 'vitest';
import { ExampleTensors } from './example-tensors.ts';

describe('ModelSlim W8A8', () => {
  const tensors = new ExampleTensors();
  const weight = tensors.add('weight', 'I8', [2, 3], Int8Array.of(4, -2, 1, -3, 5, 2));
  const inputScale = tensors.add('input_scale', 'F32', [1], Float32Array.of(0.5));
  const inputOffset = tensors.add('input_offset', 'F32', [1], Float32Array.of(3));
  const deqScale = tensors.add('deq_scale', 'I64', [2], BigInt64Array.of(0x3e000000n, 0x3e800000n));
  const quantBias = tensors.add('quant_bias', 'I32', [2], Int32Array.of(-1, -20));

  // #region modelslim-integer
  /** The 32 bits of an f32, in the low half of an int64. */
  const outputScale: Stored = {
    ref: deqScale,
    type: 'f32',
    layout: { axes: plain('out').axes, packed: { bits: 32, word: 64, fields: [] } },
  };
  const description: LinearDescription = {
    kind: 'linear',
    module: 'model.layers.0.mlp.up_proj',
    scheme: 'w8a8-int8',
    weight: {
      outFeatures: 2,
      inFeatures: 3,
      codes: { ref: weight, type: 'i8', layout: plain('out', 'in') },
      // The file has no scale of the weight: it is outputScale / inputScale.
      scales: [
        { ...outputScale, block: [1, 3] },
        { ref: inputScale, type: 'f32', layout: plain(undefined), block: [2, 3], divide: true },
      ],
    },
    activations: {
      type: 'i8',
      granularity: { kind: 'tensor' },
      scale: {
        kind: 'static',
        scale: { ref: inputScale, type: 'f32', layout: plain(undefined) },
        zero: { ref: inputOffset, type: 'f32', layout: plain(undefined) },
      },
      rounding: 'half-even',
      zeroFirst: true,
    },
    integer: { accumulatorBias: { ref: quantBias, type: 'i32', layout: plain('out') }, outputScale },
  };
  // #endregion

  it('runs with the stored constants, which cannot be computed from the weight', async () => {
    const [kernel] = reference.kernels.linear;
    const probed = await reference.probe();
    if (!kernel || probed.kind !== 'ready') throw new Error('the reference backend runs anywhere');
    const linear = await kernel.prepare(description, { device: probed.device, numerics: 'faithful', bytes: tensors });
    expect([...(await linear.forward(Float32Array.of(1.2, -0.8, 2), 1))]).toEqual([3, -4]);
  });
});
