import { type DType, type Layout, plain, quotient, remainder, whole } from '@lowbit/core';

/** What a stored tensor must be, and where its elements lie. */
export interface TensorForm {
  readonly dtype: readonly DType[];
  readonly shape: readonly number[];
  readonly layout: Layout;
}

/** The tensors of one quantized linear. */
export interface GptqTensors {
  readonly qweight: TensorForm;
  readonly qzeros: TensorForm;
  readonly scales: TensorForm;
  readonly gIdx: TensorForm;
}

export interface GptqShape {
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly groups: number;
  readonly bits: number;
}

/** How zero points are stored: `gptq` minus one, `gptq_v2` as they are. */
export type GptqFormat = 'gptq' | 'gptq_v2';

export const floatDTypes: readonly DType[] = ['F16', 'BF16', 'F32'];

/**
 * ```
 * qweight I32 [K*bits/32, N]     packed along K      scales [groups, N]
 * qzeros  I32 [groups, N*bits/32]  packed along N    g_idx [K]: the group of each input feature
 * ```
 *
 * Natural order, the first code in the lowest bits. Where the width does not divide 32 the codes are one stream of bits
 * that runs on from word to word. Source: GPTQModel, AutoGPTQ (pack of their quantized linears).
 */
export function gptqTensors(
  { outFeatures: N, inFeatures: K, groups, bits }: GptqShape,
  format: GptqFormat,
): GptqTensors {
  return {
    qweight: { dtype: ['I32'], shape: [(K * bits) / 32, N], layout: packedAlong('in', bits) },
    qzeros: {
      dtype: ['I32'],
      shape: [groups, (N * bits) / 32],
      layout: { ...packedAlong('out', bits), ...(format === 'gptq' ? { add: minusOneUndone(bits) } : {}) },
    },
    scales: { dtype: floatDTypes, shape: [groups, N], layout: plain('in', 'out') },
    gIdx: { dtype: ['I32', 'I64'], shape: [K], layout: plain('in') },
  };
}

function packedAlong(axis: 'in' | 'out', bits: number): Layout {
  const stream = axis === 'in' ? 0 : 1;
  if (32 % bits !== 0) return { axes: [[whole('in')], [whole('out')]], packed: { bits, word: 32, stream } };
  const perWord = 32 / bits;
  const words = [quotient(axis, perWord)];
  return {
    axes: axis === 'in' ? [words, [whole('out')]] : [[whole('in')], words],
    packed: { bits, word: 32, fields: [remainder(axis, perWord)] },
  };
}

/**
 * The writers subtract one from every field of a word at once, so a zero point of 0 borrows from the field above it;
 * only adding to the whole word gives all fields back. In 3-bit streams they go field by field.
 */
function minusOneUndone(bits: number) {
  return { value: 1, carry: 32 % bits === 0 ? 'word' : 'field' } as const;
}
