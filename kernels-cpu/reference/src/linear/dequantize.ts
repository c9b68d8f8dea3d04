import type { ActivationQuantization, Linear, LinearDescription, LinearKernel, Numerics } from '@lowbit/core';
import { dequantizeWeight, type ReadTensor } from '@lowbit/numerics';
import { decodeVector, readTensors } from '../read-tensors.ts';
import { prepareInteger } from './integer.ts';
import { multiply } from './matrix-multiply.ts';
import { createActivationQuantizer } from './quantize-activations.ts';
import { refuseActivations } from './refuse-activations.ts';

/**
 * Holds the weight dequantized, f32 `[out, in]`. Quantized activations are dequantized again before they are multiplied:
 * up to f32 that is the product of the codes times the scales, for every granularity. Only where the checkpoint stores
 * integer constants are codes multiplied with codes.
 */
export const dequantize: LinearKernel = {
  name: 'reference/dequantize',
  refuse: (description, _device, numerics) =>
    numerics === 'exact' ? undefined : refuseActivations(description, dequantize.name),
  bytes({ weight, bias, integer }) {
    const vectors = (bias ? 1 : 0) + (integer ? 2 : 0);
    return (weight.inFeatures + vectors) * weight.outFeatures * Float32Array.BYTES_PER_ELEMENT;
  },
  approximation: ({ activations }, numerics) => activations && describeActivations(activations, numerics),
  async prepare(description, { numerics, bytes }) {
    const read = await readTensors(description, bytes);
    const asStored = numerics !== 'exact';
    return asStored && description.integer
      ? prepareInteger(description, read)
      : prepareFloat(description, asStored, read);
  },
};

function prepareFloat(description: LinearDescription, quantizeInput: boolean, read: ReadTensor): Linear {
  const { weight, bias, activations } = description;
  const { inFeatures, outFeatures } = weight;
  let values = dequantizeWeight(weight, read);
  const added = bias && decodeVector(bias, read, outFeatures);
  const quantizer = quantizeInput && activations ? createActivationQuantizer(activations, inFeatures, read) : undefined;

  return {
    async forward(input, rows) {
      const x = quantizer ? quantizer.dequantize(quantizer.quantize(input, rows)) : input;
      const y = multiply(x, rows, values, inFeatures);
      if (added) for (let i = 0; i < y.length; i++) y[i]! += added[i % outFeatures]!;
      return Float32Array.from(y);
    },
    release() {
      values = new Float32Array();
    },
  };
}

function describeActivations({ scale, granularity }: ActivationQuantization, numerics: Numerics): string | undefined {
  if (numerics === 'exact') return 'activations stay f32, where the checkpoint quantizes them';
  if (scale.kind === 'dynamic' && granularity.kind === 'tensor') {
    return 'one activation scale per token instead of one per tensor, so that no token depends on its batch';
  }
  return undefined;
}
