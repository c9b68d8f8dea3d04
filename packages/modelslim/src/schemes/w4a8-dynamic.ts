import { createTensorLedger, type DType, type QuantizedWeight, type TensorClaims } from '@lowbit/core';
import { claimBeside, claimTable, floatDTypes, type WeightSize } from '../claim-tables.ts';
import { claimInt4 } from '../int4-codes.ts';
import { dynamicActivations } from './activations.ts';
import { int4Weight } from './int-weights.ts';
import type { LinearParts } from './linear-parts.ts';

const offsetDTypes: readonly DType[] = ['I64', 'I32', ...floatDTypes];
const packings = ['none', 'out'] as const;
/** Parts of the input that the second form of `scale_bias` sums apart. */
const inputParts = 16;

/**
 * int4 weights with one scale per row, or two levels: a scale per group of a scale per row. `scale_bias` is a constant
 * of one device's kernel, which halves each int8 activation into two int4; it has no part in what the weights mean.
 */
export function w4a8Dynamic(tensors: TensorClaims, module: WeightSize, groupSize: number): LinearParts {
  claimScaleBias(tensors, module);
  const twoLevels = tensors.has(`${module.name}.weight_scale_second`);
  return {
    weight: twoLevels
      ? twoLevelWeight(tensors, module, groupSize)
      : int4Weight(tensors, module, { groupSize, packings }),
    activations: dynamicActivations.int8,
  };
}

/**
 * `w = ((code - offset_second) * scale_second) * scale`. The offset of the first level, `weight_offset`, would come
 * between the two scales. It is zero in all files: it stays unclaimed, and a rule holds it to that.
 */
function twoLevelWeight(tensors: TensorClaims, module: WeightSize, groupSize: number): QuantizedWeight {
  const { name, outFeatures, inFeatures } = module;
  const codes = claimInt4(tensors, module, packings);
  const second = claimTable(tensors, module, 'weight_scale_second', { groupSize });
  const zero = claimBeside(tensors, second, `${name}.weight_offset_second`, offsetDTypes);
  const first = claimTable(tensors, module, 'weight_scale', { groupSize: inFeatures });
  const offset = tensors.peek(`${name}.weight_offset`);
  if (offset) {
    const requirement = { dtype: floatDTypes, shape: first.ref.shape };
    createTensorLedger(new Map([[offset.name, offset]])).claim(offset.name, requirement);
  }
  return { outFeatures, inFeatures, codes, scales: [second, { ...first, afterwards: true }], zero };
}

function claimScaleBias(tensors: TensorClaims, { name, outFeatures }: WeightSize): void {
  const columns = tensors.peek(`${name}.scale_bias`)?.shape[1] === inputParts ? inputParts : 1;
  tensors.claimOptional(`${name}.scale_bias`, { dtype: floatDTypes, shape: [outFeatures, columns] });
}
