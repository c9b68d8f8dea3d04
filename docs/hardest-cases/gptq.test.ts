import {
  fuseLinears,
  type Layout,
  type LinearDescription,
  plain,
  type QuantizedWeight,
  quotient,
  remainder,
  whole,
} from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { describe, expect, it } from 'vitest';
import { ExampleTensors } from './example-tensors.ts';

describe('GPTQ', () => {
  const tensors = new ExampleTensors();
  const half = 0x3800;
  const quarter = 0x3400;

  // Eight input and eight output features in two groups; the groups' members are scattered.
  const qweight = tensors.add(
    'qweight',
    'I32',
    [1, 8],
    Int32Array.of(-679955953, -1606464438, 1927082314, -2010351650, 1339784681, 2006549516, 1813353853, 1041204435),
  );
  const qzeros = tensors.add('qzeros', 'I32', [2, 1], Int32Array.of(2004318071, 1970763894));
  const scales = tensors.add(
    'scales',
    'F16',
    [2, 8],
    Uint16Array.of(...Array(8).fill(half), ...Array(8).fill(quarter)),
  );
  const gIdx = tensors.add('g_idx', 'I32', [8], Int32Array.of(1, 0, 0, 1, 1, 0, 1, 0));

  // #region gptq-v1
  const codes: Layout = {
    axes: [[quotient('in', 8)], [whole('out')]],
    packed: { bits: 4, word: 32, fields: [remainder('in', 8)] },
  };
  const zerosMinusOne: Layout = {
    axes: [[whole('in')], [quotient('out', 8)]],
    packed: { bits: 4, word: 32, fields: [remainder('out', 8)] },
    add: { value: 1, carry: 'word' },
  };
  const weight: QuantizedWeight = {
    outFeatures: 8,
    inFeatures: 8,
    codes: { ref: qweight, type: 'u4', layout: codes },
    zero: { ref: qzeros, type: 'u4', layout: zerosMinusOne, block: [1, 4], indexed: true },
    scales: [{ ref: scales, type: 'f16', layout: plain('in', 'out'), block: [1, 4], indexed: true }],
    groupIndex: { ref: gIdx, type: 'i32', layout: plain('in') },
  };
  // #endregion

  it('a group index, and zero points stored minus one', () => {
    const values = dequantizeWeight(weight, tensors.readNow);
    const inputRow = (i: number) => Array.from({ length: 8 }, (_, o) => values[o * 8 + i]);
    expect(inputRow(0)).toEqual([2, 0.5, 0.25, 1.5, 0.25, 1, 1.75, -1.25]);
    expect(inputRow(1)).toEqual([-4, -2, -2, 2.5, 3, -4, -0.5, 2.5]);
  });

  it('a zero point of 0: its minus one borrows from the next field of the word', () => {
    const borrowed = tensors.add('qzeros', 'I32', [2, 1], Uint32Array.of(0x7777776f, 0x7777776f));
    const values = dequantizeWeight({ ...weight, zero: { ...weight.zero!, ref: borrowed } }, tensors.readNow);
    // Row 1 is of group 0 and has the codes 0 4 4 13 14 0 7 13; the zero points are 0, then 8.
    expect(Array.from({ length: 8 }, (_, o) => values[o * 8 + 1])).toEqual([0, -2, -2, 2.5, 3, -4, -0.5, 2.5]);
  });

  it('a negative scale and a zero point in the middle of the range', () => {
    const negative = tensors.add('scales', 'F16', [1, 1], Uint16Array.of(0xb800));
    const word = tensors.add('qweight', 'I32', [1, 1], Uint32Array.of(0x0000008f));
    // #region gptq-negative-scale
    const symmetric: QuantizedWeight = {
      outFeatures: 1,
      inFeatures: 2,
      codes: { ref: word, type: 'i4', layout: { ...codes, add: { value: -8, carry: 'field' } } },
      scales: [{ ref: negative, type: 'f16', layout: plain('in', 'out'), block: [1, 2] }],
    };
    // #endregion
    expect([...dequantizeWeight(symmetric, tensors.readNow)]).toEqual([-3.5, -0]);
  });

  it('three bits: 32 codes run across three words', () => {
    const words = tensors.add('qweight', 'I32', [3, 1], Uint32Array.of(0x88fac688, 0xc688fac6, 0xfac688fa));
    // #region gptq-3-bit
    const threeBits: QuantizedWeight = {
      outFeatures: 1,
      inFeatures: 32,
      codes: {
        ref: words,
        type: 'u3',
        layout: { axes: [[whole('in')], [whole('out')]], packed: { bits: 3, word: 32, stream: 0 } },
      },
      scales: [],
    };
    // #endregion
    expect([...dequantizeWeight(threeBits, tensors.readNow)]).toEqual(Array.from({ length: 32 }, (_, k) => k % 8));
  });

  it('a group index that q/k/v share and experts do not: each part keeps its own', () => {
    const part = (module: string): LinearDescription => ({ kind: 'linear', module, scheme: 'w4a16', weight });
    // #region gptq-fuse
    const fused = fuseLinears([part('q_proj'), part('k_proj'), part('v_proj')]);
    // #endregion
    expect(fused.parts.map(({ weight }) => weight.groupIndex?.ref.name)).toEqual(['g_idx', 'g_idx', 'g_idx']);
    expect(fused.offsets).toEqual([0, 8, 16]);
  });
});
