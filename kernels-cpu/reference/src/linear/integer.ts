import type { Linear, LinearDescription, LinearExecution } from '@lowbit/core';
import { decodeCodes, decodeStored, type ReadTensor } from '@lowbit/numerics';
import { decodeVector } from '../read-tensors.ts';
import { multiply } from './matrix-multiply.ts';
import { createActivationQuantizer } from './quantize-activations.ts';

/**
 * `y = (sum of codes + accumulatorBias) * outputScale`. The sums are exact: f64 holds every integer up to 2^53, and the
 * product of two 8-bit codes stays below 2^14.
 */
export function prepareInteger(
  { module, weight }: LinearDescription,
  { activations, integer }: LinearExecution,
  read: ReadTensor,
): Linear {
  if (!activations || !integer) throw new TypeError(`${module} has no integer constants`);
  const { inFeatures, outFeatures, codes } = weight;
  let weightCodes = decodeStored(codes, read(codes.ref), [
    ['out', outFeatures],
    ['in', inFeatures],
  ]);
  const { accumulatorBias, outputScale } = integer;
  const offsets = decodeCodes(accumulatorBias, read(accumulatorBias.ref), [['out', outFeatures]]);
  const scales = decodeVector(outputScale, read, outFeatures);
  const quantizer = createActivationQuantizer(activations, inFeatures, read);

  return {
    async forward(input, rows) {
      const sums = multiply(quantizer.quantize(input, rows).codes, rows, weightCodes, inFeatures);
      return Float32Array.from(sums, (sum, i) => (sum + offsets[i % outFeatures]!) * scales[i % outFeatures]!);
    },
    release() {
      weightCodes = new Float32Array();
    },
  };
}
