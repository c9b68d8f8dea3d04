import type { LinearDescription } from '../description.ts';
import { type Layout, plain, quotient, remainder, type Stored, whole } from '../layout.ts';
import type { ElementType } from '../element-type.ts';
import type { DType } from '../tensor-ref.ts';

export const packedAlongOut: Layout = {
  axes: [[whole('in')], [quotient('out', 8)]],
  packed: { bits: 4, word: 32, fields: [remainder('out', 2), remainder('out', 4, 2)] },
};

export function stored(
  name: string,
  dtype: DType,
  shape: readonly number[],
  type: ElementType,
  layout: Layout,
  bytes = 64,
): Stored {
  return { ref: { name, dtype, shape, file: 'model.safetensors', start: 100, end: 100 + bytes }, type, layout };
}

/** 32 x 64 (out x in) 4-bit codes in groups of 16, with zero points and a bias. */
export function linear(module = 'a', outFeatures = 32, inFeatures = 64, groupSize = 16): LinearDescription {
  const groups = inFeatures / groupSize;
  const block = [1, groupSize] as const;
  return {
    kind: 'linear',
    module,
    scheme: 'w4a16',
    weight: {
      outFeatures,
      inFeatures,
      codes: stored(`${module}.qweight`, 'I32', [inFeatures, outFeatures / 8], 'u4', packedAlongOut, 1024),
      scales: [{ ...stored(`${module}.scales`, 'F16', [groups, outFeatures], 'f16', plain('in', 'out')), block }],
      zero: { ...stored(`${module}.qzeros`, 'I32', [groups, outFeatures / 8], 'u4', packedAlongOut), block },
    },
    bias: stored(`${module}.bias`, 'F16', [outFeatures], 'f16', plain('out')),
  };
}
