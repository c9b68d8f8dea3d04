import { plain, type Stored, type TensorClaims } from '@lowbit/core';
import { claimBeside, claimTable, type WeightSize } from '../claim-tables.ts';
import { dynamicActivations } from './activations.ts';
import type { LinearParts } from './linear-parts.ts';

/** `f8e4m3` codes, one per element of the weight. */
export function claimFp8(tensors: TensorClaims, { name, outFeatures, inFeatures }: WeightSize): Stored {
  const ref = tensors.claim(`${name}.weight`, { dtype: ['F8_E4M3'], shape: [outFeatures, inFeatures] });
  return { ref, type: 'f8e4m3', layout: plain('out', 'in') };
}

/** e4m3 with a scale per row; activations e4m3 per token. The offsets beside the scales are zero and used all the same. */
export function wfp8afp8Dynamic(tensors: TensorClaims, module: WeightSize): LinearParts {
  const { name, outFeatures, inFeatures } = module;
  const codes = claimFp8(tensors, module);
  const scale = claimTable(tensors, module, 'weight_scale', { groupSize: inFeatures });
  const offset = `${name}.weight_offset`;
  const zero = tensors.has(offset) ? claimBeside(tensors, scale, offset) : undefined;
  return {
    weight: { outFeatures, inFeatures, codes, scales: [scale], ...(zero ? { zero } : {}) },
    activations: dynamicActivations.fp8,
  };
}
