import { plain, quotient, remainder, whole } from '@lowbit/core';
import { decodeCodes, decodeStored, dequantizeWeight } from '@lowbit/numerics';
import { expect, it } from 'vitest';
import { tensorReader } from './synthetic-tensor.ts';
import { type SyntheticWeightOptions, syntheticWeight } from './synthetic-weight.ts';

const options: SyntheticWeightOptions = {
  name: 'q_proj',
  outFeatures: 8,
  inFeatures: 24,
  codes: {
    type: 'u4',
    dtype: 'I32',
    shape: [24, 1],
    layout: {
      axes: [[whole('in')], [quotient('out', 8)]],
      packed: { bits: 4, word: 32, fields: [remainder('out', 8)] },
    },
  },
  scales: [{ type: 'f16', dtype: 'F16', shape: [3, 8], layout: plain('in', 'out'), block: [1, 8] }],
  shift: { type: 'f32', dtype: 'F32', shape: [8, 3], layout: plain('out', 'in'), block: [1, 8] },
  groupIndex: true,
  seed: 5,
};

it('is the same in every run, and another for another seed', () => {
  const [one, same, other] = [options, options, { ...options, seed: 6 }].map((each) => syntheticWeight(each));
  expect(same).toEqual(one);
  expect(other?.tensors).not.toEqual(one?.tensors);
});

it('is what its parts say', () => {
  const { weight, tensors } = syntheticWeight(options);
  expect(tensors.map(({ ref }) => ref.name)).toEqual([
    'q_proj.codes',
    'q_proj.scale0',
    'q_proj.shift',
    'q_proj.groupIndex',
  ]);
  const read = tensorReader(tensors);
  const extents = [['out', 8] as const, ['in', 24] as const];
  const codes = decodeCodes(weight.codes, read(weight.codes.ref), extents);
  expect(new Set(codes)).toEqual(new Set(Array(16).keys()));
  const groups = decodeCodes(weight.groupIndex!, read(weight.groupIndex!.ref), [['in', 24]]);
  expect([0, 1, 2].map((group) => groups.filter((one) => one === group).length)).toEqual([8, 8, 8]);

  const tables = [['out', 8] as const, ['in', 3] as const];
  const scale = decodeStored(weight.scales[0]!, read(weight.scales[0]!.ref), tables);
  const shift = decodeStored(weight.shift!, read(weight.shift!.ref), tables);
  for (const value of scale) expect(value).toBeGreaterThanOrEqual(2 ** -6);
  const values = dequantizeWeight(weight, read);
  const group = groups[23]!;
  const product = Math.fround(codes[3 * 24 + 23]! * scale[3 * 3 + group]!);
  expect(values[3 * 24 + 23]).toBe(Math.fround(product + shift[3 * 3 + group]!));
});

it('says which tensor is not there', () => {
  const { weight } = syntheticWeight(options);
  expect(() => tensorReader([])(weight.codes.ref)).toThrow('no synthetic tensor q_proj.codes');
});
