import {
  approximateActivations,
  executionsOf,
  type Linear,
  type LinearDescription,
  type LinearExecution,
  type LinearKernel,
  refuseActivations,
} from '@lowbit/core';
import { dequantizeWeight, type ReadTensor } from '@lowbit/numerics';
import { decodeVector, readTensors } from '../read-tensors.ts';
import { prepareInteger } from './integer.ts';
import { multiply } from './matrix-multiply.ts';
import { createActivationQuantizer } from './quantize-activations.ts';

/**
 * Holds the weight dequantized, f32 `[out, in]`. Quantized activations are dequantized again before they are multiplied:
 * up to f32 that is the product of the codes times the scales, for every granularity. Only where the checkpoint stores
 * integer constants are codes multiplied with codes.
 */
export const dequantize: LinearKernel = {
  name: 'reference/dequantize',
  refuse: (description, _device, numerics) =>
    numerics === 'exact' ? undefined : refuseActivations(description, dequantize.name, { maxBits: 16 }),
  bytes(description) {
    const { weight, bias } = description;
    const integers = executionsOf(description).filter(({ integer }) => integer !== undefined).length;
    const matrices = integers === 1 && description.decoding ? 2 : 1;
    const vectors = (bias ? 1 : 0) + 2 * integers;
    return (matrices * weight.inFeatures + vectors) * weight.outFeatures * Float32Array.BYTES_PER_ELEMENT;
  },
  approximation: approximateActivations,
  async prepare(description, { numerics, bytes }) {
    const read = await readTensors(description, bytes);
    if (numerics === 'exact') return prepareFloat(description, {}, dequantizeWeight(description.weight, read), read);

    let values: Float32Array | undefined;
    const prepare = (execution: LinearExecution): Linear => {
      if (execution.integer) return prepareInteger(description, execution, read);
      values ??= dequantizeWeight(description.weight, read);
      return prepareFloat(description, execution, values, read);
    };
    const prefill = prepare(description);
    return description.decoding ? joinPhases(prefill, prepare(description.decoding)) : prefill;
  },
};

function joinPhases(prefill: Linear, decode: Linear): Linear {
  return {
    forward: (input, rows, phase) => (phase === 'decode' ? decode : prefill).forward(input, rows),
    release() {
      prefill.release();
      decode.release();
    },
  };
}

function prepareFloat(
  { weight, bias }: LinearDescription,
  { activations }: LinearExecution,
  weightValues: Float32Array,
  read: ReadTensor,
): Linear {
  const { inFeatures, outFeatures } = weight;
  let values = weightValues;
  const added = bias && decodeVector(bias, read, outFeatures);
  const quantizer = activations && createActivationQuantizer(activations, inFeatures, read);

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
