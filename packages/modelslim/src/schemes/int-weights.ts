import { plain, type QuantizedWeight, type Stored, type TensorClaims } from '@lowbit/core';
import { claimBeside, claimTable, type WeightSize } from '../claim-tables.ts';
import { claimInt4, type Int4Packing } from '../int4-codes.ts';

export function claimInt8(tensors: TensorClaims, { name, outFeatures, inFeatures }: WeightSize): Stored {
  const ref = tensors.claim(`${name}.weight`, { dtype: ['I8'], shape: [outFeatures, inFeatures] });
  return { ref, type: 'i8', layout: plain('out', 'in') };
}

export interface IntScales {
  readonly groupSize: number;
  /** The offsets mean something: a file without them is broken. Those of symmetric types are zero. */
  readonly needsOffset?: true;
}

/**
 * `weight`, `weight_scale` and `weight_offset`: `w = (code - offset) * scale`, per row or per row and group. Offsets are
 * used whatever they hold.
 */
export function int8Weight(tensors: TensorClaims, module: WeightSize, scales: IntScales): QuantizedWeight {
  return withScales(claimInt8(tensors, module), tensors, module, scales);
}

export function int4Weight(
  tensors: TensorClaims,
  module: WeightSize,
  scales: IntScales & { readonly packings: readonly Int4Packing[] },
): QuantizedWeight {
  return withScales(claimInt4(tensors, module, scales.packings), tensors, module, scales);
}

function withScales(
  codes: Stored,
  tensors: TensorClaims,
  module: WeightSize,
  { groupSize, needsOffset }: IntScales,
): QuantizedWeight {
  const { name, outFeatures, inFeatures } = module;
  const scale = claimTable(tensors, module, 'weight_scale', { groupSize });
  const offset = `${name}.weight_offset`;
  const zero = needsOffset || tensors.has(offset) ? claimBeside(tensors, scale, offset) : undefined;
  return { outFeatures, inFeatures, codes, scales: [scale], ...(zero ? { zero } : {}) };
}
