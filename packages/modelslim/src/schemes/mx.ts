import {
  plain,
  type QuantizedWeight,
  quotient,
  remainder,
  type Scale,
  type Stored,
  type TensorClaims,
  TensorError,
  whole,
} from '@lowbit/core';
import type { WeightSize } from '../claim-tables.ts';
import { claimFp8 } from './fp8.ts';

/** Input features that share a power of two. */
const blockSize = 32;
/** Input features that share the outer scale of DUALSCALE, in the recipes that the tool ships. */
const outerBlockSize = 512;

/** MXFP8: e4m3 in blocks of 32 with a power of two each. */
export function mxfp8Weight(tensors: TensorClaims, module: WeightSize): QuantizedWeight {
  const { outFeatures, inFeatures } = module;
  return { outFeatures, inFeatures, codes: claimFp8(tensors, module), scales: [claimExponents(tensors, module)] };
}

/** MXFP4: e2m1, two to a byte, or in old files one to a byte as the e4m3 of the same value. */
export function mxfp4Weight(tensors: TensorClaims, module: WeightSize): QuantizedWeight {
  const { outFeatures, inFeatures } = module;
  return { outFeatures, inFeatures, codes: claimFp4(tensors, module), scales: [claimExponents(tensors, module)] };
}

/** MXFP4 of a weight that was first divided by an f32 scale per block of 512. */
export function mxfp4DualScaleWeight(tensors: TensorClaims, module: WeightSize): QuantizedWeight {
  const weight = mxfp4Weight(tensors, module);
  return { ...weight, scales: [...weight.scales, claimOuterScale(tensors, module)] };
}

function claimFp4(tensors: TensorClaims, module: WeightSize): Stored {
  const { name, outFeatures, inFeatures } = module;
  const tensor = `${name}.weight`;
  if (tensors.peek(tensor)?.dtype === 'F8_E4M3') return claimFp8(tensors, module);
  if (inFeatures % 2 !== 0) {
    throw new TensorError({
      code: 'TENSOR_SHAPE',
      tensor,
      expected: 'an even number of input features, as pairs share a byte',
      actual: String(inFeatures),
    });
  }
  const ref = tensors.claim(tensor, { dtype: ['U8'], shape: [outFeatures, inFeatures / 2] });
  const layout = {
    axes: [[whole('out')], [quotient('in', 2)]],
    packed: { bits: 4, word: 8, fields: [remainder('in', 2)] },
  } as const;
  return { ref, type: 'f4e2m1', layout };
}

function claimExponents(tensors: TensorClaims, { name, outFeatures, inFeatures }: WeightSize): Scale {
  const shape = [outFeatures, Math.ceil(inFeatures / blockSize)];
  const ref = tensors.claim(`${name}.weight_scale`, { dtype: ['U8', 'F8_E8M0'], shape });
  return { ref, type: 'e8m0', layout: plain('out', 'in'), block: [1, blockSize] };
}

/** `[out, blocks, 1]`. The size of a block is in no file: 512 where that fits, else equal blocks. */
function claimOuterScale(tensors: TensorClaims, { name, outFeatures, inFeatures }: WeightSize): Scale {
  const tensor = `${name}.weight_dual_scale`;
  const blocks = tensors.peek(tensor)?.shape[1] ?? Math.ceil(inFeatures / outerBlockSize);
  const equal = inFeatures / blocks;
  const size = Math.ceil(inFeatures / outerBlockSize) === blocks ? outerBlockSize : equal;
  if (size % blockSize !== 0) {
    throw new TensorError({
      code: 'TENSOR_SHAPE',
      tensor,
      expected: `[${outFeatures}, blocks, 1] with blocks of a multiple of ${blockSize} of the ${inFeatures} input features`,
      actual: `[${tensors.peek(tensor)?.shape.join(', ')}]`,
    });
  }
  const ref = tensors.claim(tensor, { dtype: ['F32'], shape: [outFeatures, blocks, 1] });
  return { ref, type: 'f32', layout: plain('out', 'in', undefined), block: [1, size] };
}
