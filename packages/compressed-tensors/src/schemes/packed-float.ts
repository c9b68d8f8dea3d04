import { type Stored, type TensorClaims, TensorError } from '@lowbit/core';
import { packedFloatLayout } from '../compressed-tensors-layout.ts';
import type { WeightShape } from '../module-tensors.ts';

const types = { 4: 'f4e2m1', 6: 'f6e2m3' } as const;

/**
 * NVFP4, MXFP4 and MXFP6: `weight_packed` U8 `[N, K * bits / 8]`.
 * @throws TensorError
 */
export function claimPackedFloats(
  bits: 4 | 6,
  { name, outFeatures, inFeatures }: WeightShape,
  tensors: TensorClaims,
): Stored {
  const tensor = `${name}.weight_packed`;
  const multiple = bits === 4 ? 2 : 4;
  if (inFeatures % multiple !== 0) {
    throw new TensorError({
      code: 'TENSOR_SHAPE',
      tensor,
      expected: `a multiple of ${multiple} in features, as ${bits}-bit floats are packed`,
      actual: `${inFeatures} in features`,
    });
  }
  const ref = tensors.claim(tensor, { dtype: ['U8'], shape: [outFeatures, (inFeatures * bits) / 8] });
  return { ref, type: types[bits], layout: packedFloatLayout(bits) };
}
