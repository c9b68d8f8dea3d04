import { type DType, type ElementType, type Layout, plain, quotient, remainder, whole } from '@lowbit/core';
import type { TableForm } from '../synthetic-tensor.ts';
import type { BlockedForm, SyntheticWeightOptions } from '../synthetic-weight.ts';

export type CaseOptions = Omit<SyntheticWeightOptions, 'name' | 'seed'>;

export function table(type: ElementType, dtype: DType, shape: readonly number[], layout: Layout): TableForm {
  return { type, dtype, shape, layout };
}

/** Codes in words of 32 bits. */
export function packed(type: ElementType, shape: readonly number[], layout: Layout): TableForm {
  return table(type, 'I32', shape, layout);
}

/** `[out, in / fields]`, neighbours along `in` share a word. */
export function fieldsAlongIn(bits: number, word: 8 | 32): Layout {
  const fields = word / bits;
  return {
    axes: [[whole('out')], [quotient('in', fields)]],
    packed: { bits, word, fields: [remainder('in', fields)] },
  };
}

/** `[out, in]`, one code per element. */
export function plainCodes(
  type: ElementType,
  dtype: DType,
  outFeatures: number,
  inFeatures: number,
  scales: NonNullable<CaseOptions['scales']>,
): CaseOptions {
  return { outFeatures, inFeatures, codes: table(type, dtype, [outFeatures, inFeatures], plain('out', 'in')), scales };
}

export function perTensor(type: ElementType, dtype: DType, outFeatures: number, inFeatures: number): BlockedForm {
  return { ...table(type, dtype, [1], plain(undefined)), block: [outFeatures, inFeatures] };
}

export function perChannel(type: ElementType, dtype: DType, outFeatures: number, inFeatures: number): BlockedForm {
  return { ...table(type, dtype, [outFeatures], plain('out')), block: [1, inFeatures] };
}

export function perGroup(
  type: ElementType,
  dtype: DType,
  outFeatures: number,
  inFeatures: number,
  groupSize: number,
): BlockedForm {
  const shape = [outFeatures, Math.ceil(inFeatures / groupSize)];
  return { ...table(type, dtype, shape, plain('out', 'in')), block: [1, groupSize] };
}

/** Codes and zero points packed along `out` in the order 0 2 4 6 1 3 5 7, scales `[groups, out]`. */
export function awqGemm(outFeatures: number, inFeatures: number, groupSize: number): CaseOptions {
  const groups = inFeatures / groupSize;
  const layout: Layout = {
    axes: [[whole('in')], [quotient('out', 8)]],
    packed: { bits: 4, word: 32, fields: [remainder('out', 2), remainder('out', 4, 2)] },
  };
  return {
    outFeatures,
    inFeatures,
    codes: packed('u4', [inFeatures, outFeatures / 8], layout),
    scales: [{ ...table('f16', 'F16', [groups, outFeatures], plain('in', 'out')), block: [1, groupSize] }],
    zero: { ...packed('u4', [groups, outFeatures / 8], layout), block: [1, groupSize] },
  };
}

/** Codes packed along `in`; zero points along `out`, stored minus one with borrows between the fields of a word. */
export function gptq4bit(outFeatures: number, inFeatures: number, groupSize: number): CaseOptions {
  const groups = inFeatures / groupSize;
  const fields = { bits: 4, word: 32 } as const;
  return {
    outFeatures,
    inFeatures,
    codes: packed('u4', [inFeatures / 8, outFeatures], {
      axes: [[quotient('in', 8)], [whole('out')]],
      packed: { ...fields, fields: [remainder('in', 8)] },
    }),
    scales: [{ ...table('f16', 'F16', [groups, outFeatures], plain('in', 'out')), block: [1, groupSize] }],
    zero: {
      ...packed('u4', [groups, outFeatures / 8], {
        axes: [[whole('in')], [quotient('out', 8)]],
        packed: { ...fields, fields: [remainder('out', 8)] },
        add: { value: 1, carry: 'word' },
      }),
      block: [1, groupSize],
    },
  };
}
