import type { LinearDescription, Phase } from '@lowbit/core';
import { decodeCodes, decodeStored, dequantizeWeight, type ReadTensor } from '@lowbit/numerics';
import { expectedActivations } from './expected-activations.ts';
import { type Expected, expectedLinear } from './expected-linear.ts';

/** What a linear with quantized activations and without bias gives in a phase, as its checkpoint says. */
export function expectedExecution(
  description: LinearDescription,
  phase: Phase | undefined,
  x: Float32Array,
  read: ReadTensor,
): Expected {
  const { weight, decoding } = description;
  const { activations, integer } = phase === 'decode' && decoding ? decoding : description;
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
