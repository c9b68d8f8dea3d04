import { plain, quotient, remainder, sliceWeight, whole } from '@lowbit/core';
import { type SyntheticWeight, syntheticWeight } from '../synthetic-weight.ts';
import {
  awqGemm,
  type CaseOptions,
  fieldsAlongIn,
  gptq4bit,
  packed,
  perChannel,
  perGroup,
  perTensor,
  plainCodes,
  table,
} from './weight-forms.ts';

/** Weights as checkpoints store them, and harder ones: one per thing that a kernel can get wrong. */
const cases = {
  // One number per stored element.
  f32: plainCodes('f32', 'F32', 13, 37, []),
  f16: plainCodes('f16', 'F16', 24, 64, []),
  bf16: plainCodes('bf16', 'BF16', 24, 64, []),
  'int8-channel': plainCodes('i8', 'I8', 24, 64, [perChannel('f32', 'F32', 24, 64)]),
  'int8-odd-shape': plainCodes('i8', 'I8', 13, 37, [perChannel('bf16', 'BF16', 13, 37)]),
  'int8-tensor-scale': plainCodes('i8', 'I8', 24, 64, [perTensor('f32', 'F32', 24, 64)]),
  'int8-group-partial': plainCodes('i8', 'I8', 24, 80, [perGroup('f32', 'F32', 24, 80, 32)]),
  'int8-asymmetric': {
    ...plainCodes('i8', 'I8', 24, 64, [perChannel('f32', 'F32', 24, 64)]),
    zero: perChannel('i8', 'I8', 24, 64),
  },
  'fp8-channel': plainCodes('f8e4m3', 'F8_E4M3', 24, 64, [perChannel('f32', 'F32', 24, 64)]),
  'fp8-e5m2': plainCodes('f8e5m2', 'F8_E5M2', 24, 64, [perChannel('f32', 'F32', 24, 64)]),
  'fp8-fnuz': plainCodes('f8e4m3fnuz', 'F8_E4M3FNUZ', 24, 64, [perTensor('f32', 'F32', 24, 64)]),
  'fp8-block-partial': plainCodes('f8e4m3', 'F8_E4M3', 144, 272, [
    { ...table('f32', 'F32', [2, 3], plain('out', 'in')), block: [128, 128] },
  ]),
  mxfp8: plainCodes('f8e4m3', 'F8_E4M3', 24, 64, [perGroup('e8m0', 'U8', 24, 64, 32)]),

  // Codes that share a word.
  'awq-gemm': awqGemm(64, 96, 32),
  'gptq-4bit': gptq4bit(64, 96, 32),
  'gptq-4bit-group-index': { ...gptq4bit(64, 96, 32), groupIndex: true },
  'gptq-3bit-stream': {
    outFeatures: 64,
    inFeatures: 96,
    codes: packed('u3', [9, 64], { axes: [[whole('in')], [whole('out')]], packed: { bits: 3, word: 32, stream: 0 } }),
    scales: [{ ...table('f16', 'F16', [3, 64], plain('in', 'out')), block: [1, 32] }],
    zero: {
      ...packed('u3', [3, 6], {
        axes: [[whole('in')], [whole('out')]],
        packed: { bits: 3, word: 32, stream: 1 },
        add: { value: 1, carry: 'field' },
      }),
      block: [1, 32],
    },
  },
  'int3-ten-per-word': {
    outFeatures: 24,
    inFeatures: 64,
    codes: packed('i3', [24, 7], {
      axes: [[whole('out')], [quotient('in', 10)]],
      packed: { bits: 3, word: 32, fields: [remainder('in', 10)] },
      add: { value: -4, carry: 'field' },
    }),
    scales: [perGroup('bf16', 'BF16', 24, 64, 32)],
  },
  'int4-offset-binary': {
    outFeatures: 24,
    inFeatures: 64,
    codes: packed('i4', [24, 8], { ...fieldsAlongIn(4, 32), add: { value: -8, carry: 'field' } }),
    scales: [perGroup('bf16', 'BF16', 24, 64, 32)],
  },
  'int2-negative-scales': {
    outFeatures: 24,
    inFeatures: 64,
    codes: packed('u2', [24, 4], fieldsAlongIn(2, 32)),
    scales: [{ ...perGroup('f16', 'F16', 24, 64, 16), negative: true }],
    zero: { ...packed('u2', [24, 1], fieldsAlongIn(2, 32)), block: [1, 16] },
  },
  'int4-two-scales': {
    outFeatures: 24,
    inFeatures: 64,
    codes: table('i4', 'I8', [24, 64], {
      axes: [[whole('out')], [whole('in')]],
      packed: { bits: 4, word: 8, fields: [] },
    }),
    scales: [perGroup('f32', 'F32', 24, 64, 16), perChannel('f32', 'F32', 24, 64)],
  },
  'int4-rows-share-byte': {
    outFeatures: 24,
    inFeatures: 64,
    codes: table('i4', 'I8', [12, 64], {
      axes: [[quotient('out', 2)], [whole('in')]],
      packed: { bits: 4, word: 8, fields: [remainder('out', 2)] },
    }),
    scales: [perChannel('f32', 'F32', 24, 64)],
  },
  'int4-shift': {
    outFeatures: 24,
    inFeatures: 64,
    codes: packed('u4', [24, 8], fieldsAlongIn(4, 32)),
    scales: [perGroup('f16', 'F16', 24, 64, 16)],
    shift: perGroup('f16', 'F16', 24, 64, 16),
  },
  'int8-scale-in-int64': plainCodes('i8', 'I8', 24, 64, [
    {
      ...table('f32', 'I64', [24], { axes: [[whole('out')]], packed: { bits: 32, word: 64, fields: [] } }),
      block: [1, 64],
    },
  ]),
  mxfp4: {
    outFeatures: 24,
    inFeatures: 64,
    codes: table('f4e2m1', 'U8', [24, 32], fieldsAlongIn(4, 8)),
    scales: [perGroup('e8m0', 'U8', 24, 64, 32)],
  },
  'mxfp6-stream': {
    outFeatures: 24,
    inFeatures: 64,
    codes: table('f6e2m3', 'U8', [24, 48], {
      axes: [[whole('out')], [whole('in')]],
      packed: { bits: 6, word: 8, stream: 1 },
    }),
    scales: [perGroup('e8m0', 'U8', 24, 64, 32)],
  },
  nvfp4: {
    outFeatures: 24,
    inFeatures: 64,
    codes: table('f4e2m1', 'U8', [24, 32], fieldsAlongIn(4, 8)),
    scales: [perGroup('f8e4m3', 'F8_E4M3', 24, 64, 16), { ...perTensor('f32', 'F32', 24, 64), divide: true }],
  },
  'one-expert-of-three': {
    outFeatures: 24,
    inFeatures: 64,
    codes: { ...table('i8', 'I8', [3, 24, 64], plain('expert', 'out', 'in')), origin: { expert: 1 } },
    scales: [{ ...table('f32', 'F32', [3, 24], plain('expert', 'out')), origin: { expert: 1 }, block: [1, 64] }],
  },
} satisfies Record<string, CaseOptions>;

/** Parts of a weight, as tensor parallelism cuts them. */
const slices = {
  'awq-gemm-slice-out': { of: 'awq-gemm', axis: 'out', start: 32, end: 64 },
  'awq-gemm-slice-in': { of: 'awq-gemm', axis: 'in', start: 32, end: 96 },
  'gptq-4bit-group-index-slice-in': { of: 'gptq-4bit-group-index', axis: 'in', start: 8, end: 40 },
} as const;

export type WeightCase = keyof typeof cases | keyof typeof slices;

export const weightCases = [...Object.keys(cases), ...Object.keys(slices)] as readonly WeightCase[];

export function buildWeightCase(name: WeightCase): SyntheticWeight {
  const seed = weightCases.indexOf(name) + 1;
  if (name in cases) return syntheticWeight({ ...cases[name as keyof typeof cases], name, seed });
  const { of, axis, start, end } = slices[name as keyof typeof slices];
  const { weight, tensors } = syntheticWeight({ ...cases[of], name, seed });
  return { weight: sliceWeight(weight, axis, start, end, name), tensors };
}
