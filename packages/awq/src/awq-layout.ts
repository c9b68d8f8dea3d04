import { type DType, type Layout, plain, quotient, remainder, whole } from '@lowbit/core';

/** What a stored tensor must be, and where its elements lie. */
export interface TensorForm {
  readonly dtype: readonly DType[];
  readonly shape: readonly number[];
  readonly layout: Layout;
}

/** The tensors of one quantized linear in one of the layouts. N = out features, K = in features, G = group size. */
export interface AwqTensors {
  readonly qweight: TensorForm;
  readonly scales: TensorForm;
  /** As zero points, or as `-(scale * zero)` to be added after scaling. */
  readonly qzeros: TensorForm & { readonly holds: 'zero' | 'shift' };
  /** What N and K must be multiples of for the layout to exist. */
  readonly multiples: { readonly out: number; readonly in: number };
}

export interface AwqShape {
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly groupSize: number;
  readonly bits: number;
}

export type AwqFormat = 'gemm' | 'gemv' | 'gemv_fast';

export const awqTensors: Readonly<Record<AwqFormat, (shape: AwqShape) => AwqTensors>> = {
  gemm: gemmTensors,
  gemv: gemvTensors,
  gemv_fast: gemvFastTensors,
};

export const floatDTypes: readonly DType[] = ['F16', 'BF16', 'F32'];

/**
 * Packed along N; qzeros like qweight, one row per group.
 *
 * ```
 * qweight I32 [K, N*bits/32]     scales [K/G, N]     qzeros I32 [K/G, N*bits/32]
 * ```
 */
function gemmTensors({ outFeatures: N, inFeatures: K, groupSize: G, bits }: AwqShape): AwqTensors {
  const layout = gemmLayout(bits);
  const words = Math.ceil((N * bits) / 32);
  return {
    qweight: { dtype: ['I32'], shape: [K, words], layout },
    scales: { dtype: floatDTypes, shape: [K / G, N], layout: plain('in', 'out') },
    qzeros: { dtype: ['I32'], shape: [K / G, words], layout, holds: 'zero' },
    multiples: { out: bits === 4 ? 8 : 1, in: 1 },
  };
}

/**
 * 4-bit: even columns of eight in the low half of the word, odd ones in the high half.
 *
 * ```
 * bits     31..28 27..24 23..20 19..16 15..12 11..8  7..4  3..0
 * column      7      5      3      1      6     4     2     0
 * ```
 *
 * Other widths: natural order, column 0 in the lowest bits. Where the width does not divide 32 the codes of a row are
 * one stream of bits that runs on from word to word. Source: AutoAWQ, WQLinear_GEMM (4-bit); GPTQModel, pack_awq.
 */
function gemmLayout(bits: number): Layout {
  if (bits === 4) {
    const fields = [remainder('out', 2), remainder('out', 4, 2)];
    return { axes: [[whole('in')], [quotient('out', 8)]], packed: { bits, word: 32, fields } };
  }
  if (32 % bits === 0) {
    const perWord = 32 / bits;
    const fields = [remainder('out', perWord)];
    return { axes: [[whole('in')], [quotient('out', perWord)]], packed: { bits, word: 32, fields } };
  }
  return { axes: [[whole('in')], [whole('out')]], packed: { bits, word: 32, stream: 1 } };
}

/**
 * Packed along K, row by row; tables padded to the zero width zw.
 *
 * ```
 * qweight I32 [N, K/8]           scales [N, 8*zw]    qzeros I32 [N, zw]
 *
 * bits     31..28 27..24 23..20 19..16 15..12 11..8  7..4  3..0
 * input       7      6      5      4      3     2     1     0        (in qzeros: group)
 * ```
 *
 * Source: AutoAWQ, WQLinear_GEMV.
 */
function gemvTensors({ outFeatures: N, inFeatures: K, groupSize: G, bits }: AwqShape): AwqTensors {
  const layout: Layout = {
    axes: [[whole('out')], [quotient('in', 8)]],
    packed: { bits, word: 32, fields: [remainder('in', 8)] },
  };
  const zw = zeroWidth(K, G);
  return {
    qweight: { dtype: ['I32'], shape: [N, K / 8], layout },
    scales: { dtype: floatDTypes, shape: [N, 8 * zw], layout: plain('out', 'in') },
    qzeros: { dtype: ['I32'], shape: [N, zw], layout, holds: 'zero' },
    multiples: { out: 1, in: 8 },
  };
}

/**
 * Four rows interleaved in stretches of 64 inputs; zeros stored multiplied, as floats.
 *
 * ```
 * qweight I16 [N/4, K]           scales [8*zw, N]    qzeros [8*zw, N] = -(scale * zero)
 *
 * column = 64*(in/64) + 16*(out%4) + 8*(in/32 % 2) + in%8
 *
 * bits   15..12   11..8    7..4     3..0
 * input  24..31   16..23   8..15    0..7     of its 32; which of the eight: in%8
 * ```
 *
 * Source: AutoAWQ, WQLinear_GEMVFast; llm-awq, qmodule.
 */
function gemvFastTensors({ outFeatures: N, inFeatures: K, groupSize: G, bits }: AwqShape): AwqTensors {
  const rows = 8 * zeroWidth(K, G);
  const table: TensorForm = { dtype: floatDTypes, shape: [rows, N], layout: plain('in', 'out') };
  const column = [quotient('in', 64), remainder('out', 4), remainder('in', 2, 32), remainder('in', 8)];
  return {
    qweight: {
      dtype: ['I16'],
      shape: [N / 4, K],
      layout: { axes: [[quotient('out', 4)], column], packed: { bits, word: 16, fields: [remainder('in', 4, 8)] } },
    },
    scales: table,
    qzeros: { ...table, holds: 'shift' },
    multiples: { out: 8, in: 64 },
  };
}

/** Words of 8 zero points per row that the gemv layouts allocate: small groups are padded to a multiple of 2 or 4 words. */
export function zeroWidth(inFeatures: number, groupSize: number): number {
  const multiple = groupSize >= 128 ? 1 : groupSize >= 64 ? 2 : 4;
  return Math.ceil(Math.ceil(inFeatures / groupSize / 8) / multiple) * multiple;
}
