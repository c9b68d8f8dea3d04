import { plain, type QuantizedWeight } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { checkSlices } from './slice-problems.ts';

const ref = (name: string, shape: readonly number[]) =>
  ({ name, dtype: 'I8', shape, file: 'f', start: 0, end: 0 }) as const;
const codes = Uint8Array.from({ length: 24 }, (_, index) => index);
const weight: QuantizedWeight = {
  outFeatures: 4,
  inFeatures: 6,
  codes: { ref: ref('codes', [4, 6]), type: 'i8', layout: plain('out', 'in') },
  scales: [{ ref: ref('scale', [2, 2]), type: 'i8', layout: plain('out', 'in'), block: [2, 3] }],
};
const read = ({ name }: { name: string }) => (name === 'codes' ? codes : Uint8Array.of(1, 2, 3, 4));

describe('checkSlices', () => {
  it.each([
    ['out', 2],
    ['in', 3],
  ] as const)('finds the first cut along %s', (axis, cut) => {
    expect(checkSlices(weight, axis, read)).toEqual({ cut, problems: [] });
  });

  it('finds none where one block spans the axis', () => {
    const oneGroup: QuantizedWeight = {
      ...weight,
      codes: {
        ref: ref('codes', [4, 1]),
        type: 'u8',
        layout: {
          axes: [[{ axis: 'out', divide: 1 }], []],
          packed: { bits: 1, word: 8, fields: [{ axis: 'in', divide: 1, modulo: 6 }] },
        },
      },
      scales: [],
    };
    const bits = { ...oneGroup, codes: { ...oneGroup.codes, type: 'u1' as const } };
    expect(checkSlices(bits, 'in', () => codes.subarray(0, 4)).cut).toBeUndefined();
  });

  it('says where a half differs', () => {
    let reads = 0;
    const unsteady = (one: { name: string }) => {
      if (one.name === 'scale') reads += 1;
      return one.name === 'codes' ? codes : Uint8Array.of(1, 2, 3, reads > 1 ? 5 : 4);
    };
    expect(checkSlices(weight, 'out', unsteady).problems).toEqual([
      'out features from 2: element 3 is 75 where the whole has 60',
    ]);
  });
});
