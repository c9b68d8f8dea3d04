import type { IntegerType, Stored, TensorClaims } from '@lowbit/core';
import { packedLayout, wordsOf } from '../compressed-tensors-layout.ts';
import type { WeightShape } from '../module-tensors.ts';
import type { QuantizationArgs } from '../quantization-args.ts';
import { choosePacking, type LibraryVersion, type PackingChoice } from '../word-packing.ts';

/** Codes and zero points of one weight, packed in words. */
export interface PackedWeight {
  readonly codes: Stored;
  /** Where `weight_zero_point` is packed too. */
  readonly zero?: Stored;
}

/**
 * ```
 * weight_packed      I32 [N, words(K)]
 * weight_shape       I64 [2]             holds N and K, which the architecture knows
 * weight_zero_point  I32 [words(N), G]   asymmetric; files before 0.9.4, and scales per tensor: not packed
 * ```
 *
 * @throws TensorError
 */
export function claimPacked(
  { numBits }: QuantizationArgs,
  shape: WeightShape,
  groups: number,
  version: LibraryVersion | undefined,
  tensors: TensorClaims,
): PackedWeight {
  const { name, outFeatures, inFeatures } = shape;
  const type = `i${numBits}` as IntegerType;
  const { packing } = packingOf(numBits, shape, version, tensors);
  const claim = (tensor: string, form: readonly number[]) =>
    tensors.claim(`${name}.${tensor}`, { dtype: ['I32'], shape: form });
  const codes: Stored = {
    ref: claim('weight_packed', [outFeatures, wordsOf(inFeatures, numBits, packing)]),
    type,
    layout: packedLayout('in', numBits, packing),
  };
  tensors.claim(`${name}.weight_shape`, { dtype: ['I64', 'I32'], shape: [2] });
  if (!hasPackedZeros(shape, tensors)) return { codes };
  const ref = claim('weight_zero_point', [wordsOf(outFeatures, numBits, packing), groups]);
  return { codes, zero: { ref, type, layout: packedLayout('out', numBits, packing) } };
}

/** How a module's words are packed, by the sizes of its tensors and the version of the file. */
export function packingOf(
  numBits: number,
  shape: WeightShape,
  version: LibraryVersion | undefined,
  tensors: Pick<TensorClaims, 'peek'>,
): PackingChoice {
  const { name, outFeatures, inFeatures } = shape;
  const zeros = hasPackedZeros(shape, tensors) ? tensors.peek(`${name}.weight_zero_point`) : undefined;
  return choosePacking(numBits, version, [
    { count: inFeatures, words: tensors.peek(`${name}.weight_packed`)?.shape[1] },
    { count: outFeatures, words: zeros?.shape[0] },
  ]);
}

function hasPackedZeros({ name }: WeightShape, tensors: Pick<TensorClaims, 'peek'>): boolean {
  return tensors.peek(`${name}.weight_zero_point`)?.dtype === 'I32';
}
