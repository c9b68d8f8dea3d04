import {
  type Axis,
  bitsOf,
  type Digit,
  type DType,
  type ElementType,
  type Layout,
  quotient,
  remainder,
  whole,
} from '@lowbit/core';
import { elements, type QuarkElement } from './element-formats.ts';
import type { PackMethod } from './export-settings.ts';

/** What a stored tensor must be, and where its elements lie. */
export interface TensorForm {
  readonly dtype: readonly DType[];
  readonly shape: readonly number[];
  readonly layout: Layout;
  /** Undefined: what the tensor's dtype says. */
  readonly type?: ElementType;
}

/** One dimension of a matrix of codes, slowest first. */
export interface Dimension {
  readonly axis: Axis;
  readonly size: number;
}

/** How the codes of an element share stored words, along the last dimension. */
interface Storage {
  readonly dtype: readonly DType[];
  /** Codes in a word, filled up at the end of a row. Absent: one, or a stream. */
  readonly perWord?: 2 | 8;
  /** Codes of one row run on from byte to byte; rows are whole groups of this many. */
  readonly streamOf?: 4 | 8;
}

/**
 * ```
 * int4, uint4   I32, 8 to a word    reorder: bits 31..0 hold 7 5 3 1 6 4 2 0    order: 7 6 5 4 3 2 1 0
 * fp4           U8, 2 to a byte     high half 1, low half 0
 * fp6           U8, 4 in 3 bytes    a stream of bits, lowest first
 * int3          U8, 8 in 3 bytes    the same
 * int2, int8, uint8, fp8            one to an element
 * ```
 *
 * Source: Quark 0.13, torch/utils/pack.py.
 */
const storages: Readonly<Record<QuarkElement, Storage>> = {
  int2: { dtype: ['I32', 'I8'] },
  int3: { dtype: ['U8'], streamOf: 8 },
  int4: { dtype: ['I32'], perWord: 8 },
  uint4: { dtype: ['I32'], perWord: 8 },
  int8: { dtype: ['I8'] },
  uint8: { dtype: ['U8'] },
  fp8_e4m3: { dtype: ['F8_E4M3'] },
  fp8_e5m2: { dtype: ['F8_E5M2'] },
  fp6_e2m3: { dtype: ['U8'], streamOf: 4 },
  fp6_e3m2: { dtype: ['U8'], streamOf: 4 },
  fp4: { dtype: ['U8'], perWord: 2 },
};

export const floatDTypes: readonly DType[] = ['BF16', 'F16', 'F32'];

/** What a row of codes must be a multiple of. */
export function codesMultiple(element: QuarkElement): number {
  const { perWord, streamOf } = storages[element];
  return streamOf ?? (perWord === 2 ? 2 : 1);
}

/** A matrix, vector or single number of codes, packed along its last dimension. */
export function codesForm(element: QuarkElement, dimensions: readonly Dimension[], order: PackMethod): TensorForm {
  const { dtype, perWord, streamOf } = storages[element];
  const type = elements[element];
  const bits = bitsOf(type);
  const sizes = dimensions.map(({ size }) => size);
  const axes: (readonly Digit[])[] = dimensions.map(({ axis }) => [whole(axis)]);
  const last = dimensions.at(-1);
  if (streamOf) {
    const shape = [...sizes.slice(0, -1), ((last?.size ?? streamOf) / 8) * bits];
    return { dtype, shape, type, layout: { axes, packed: { bits, word: 8, stream: shape.length - 1 } } };
  }
  if (!perWord) return { dtype, shape: sizes, layout: { axes } };
  const word = perWord === 2 ? 8 : 32;
  if (!last) return { dtype, shape: [], type, layout: { axes: [], packed: { bits, word, fields: [] } } };
  return {
    dtype,
    shape: [...sizes.slice(0, -1), Math.ceil(last.size / perWord)],
    type,
    layout: {
      axes: [...axes.slice(0, -1), [quotient(last.axis, perWord)]],
      packed: { bits, word, fields: fieldsOf(last.axis, perWord, order) },
    },
  };
}

function fieldsOf(axis: Axis, perWord: 2 | 8, order: PackMethod): readonly Digit[] {
  return perWord === 8 && order === 'reorder'
    ? [remainder(axis, 2), remainder(axis, 4, 2)]
    : [remainder(axis, perWord)];
}

/** A table of numbers that are not codes: scales, and zero points that are floats. */
export function tableForm(dtype: readonly DType[], dimensions: readonly Dimension[], type?: ElementType): TensorForm {
  return {
    dtype,
    shape: dimensions.map(({ size }) => size),
    layout: { axes: dimensions.map(({ axis }) => [whole(axis)]) },
    ...(type ? { type } : {}),
  };
}

/** The same number in a tensor of shape `[1]`, as older versions wrote it. */
export function asVector(form: TensorForm): TensorForm {
  return { ...form, shape: [1], layout: { ...form.layout, axes: [[]] } };
}
