import { type DType, elementTypeOf, plain, type Stored, type TensorClaims } from '@lowbit/core';
import { floatDTypes, type WeightShape } from '../module-tensors.ts';
import type { QuantizationArgs } from '../quantization-args.ts';

/**
 * One number per element: `weight` I8 `[N, K]` for integers of up to 8 bits, F8_E4M3 for floats; the formats
 * `naive-quantized`, `int-quantized`, `float-quantized`, `mxfp8-quantized`. Without arguments the weight is not quantized.
 * @throws TensorError
 */
export function claimPlain(
  args: QuantizationArgs | undefined,
  { name, outFeatures, inFeatures }: WeightShape,
  tensors: TensorClaims,
): Stored {
  const ref = tensors.claim(`${name}.weight`, { dtype: dtypesOf(args), shape: [outFeatures, inFeatures] });
  return { ref, type: elementTypeOf(ref.dtype), layout: plain('out', 'in') };
}

function dtypesOf(args: QuantizationArgs | undefined): readonly DType[] {
  if (!args) return floatDTypes;
  return args.type === 'int' ? ['I8'] : ['F8_E4M3'];
}
