import type { LinearDescription, TensorRef } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { describe, expect, it } from 'vitest';
import { describeModule, linear, tensorsOfA, usual } from '../__fixtures__/made-up-checkpoint.ts';

// Two groups of four scattered inputs; zero points 8 but for group 1: 7 8 9 8 8 8 6 8; scales 0.5 and 0.25.
const data: Readonly<Record<string, ArrayBufferView>> = {
  'a.qweight': Int32Array.of(
    -679955953,
    -1606464438,
    1927082314,
    -2010351650,
    1339784681,
    2006549516,
    1813353853,
    1041204435,
  ),
  'a.qzeros': Int32Array.of(2004318071, 1970763894),
  'a.scales': Uint16Array.of(...Array(8).fill(0x3800), ...Array(8).fill(0x3400)),
  'a.g_idx': Int32Array.of(1, 0, 0, 1, 1, 0, 1, 0),
};
const x = [1, 0, -1, 2, 0, 1, 0.5, -2];
const { 'a.g_idx': _, ...withoutIndex } = tensorsOfA;

function weightOf({ weight }: LinearDescription, more: Readonly<Record<string, ArrayBufferView>> = {}): Float32Array {
  return dequantizeWeight(weight, ({ name }: TensorRef) => {
    const { buffer, byteOffset, byteLength } = (more[name] ?? data[name]) as ArrayBufferView;
    return new Uint8Array(buffer, byteOffset, byteLength);
  });
}

function multiply(weight: Float32Array, inputs: readonly number[]): number[] {
  return Array.from({ length: weight.length / inputs.length }, (_, n) =>
    inputs.reduce((sum, input, k) => sum + input * weight[n * inputs.length + k]!, 0),
  );
}

function inputRow(weight: Float32Array, k: number): number[] {
  return Array.from({ length: 8 }, (_, n) => weight[n * 8 + k]!);
}

describe('act-order', () => {
  const weight = weightOf(describeModule({ ...usual, desc_act: true }));

  it('means what the format defines', () => {
    expect(inputRow(weight, 0)).toEqual([2, 0.5, 0.25, 1.5, 0.25, 1, 1.75, -1.25]);
    expect(inputRow(weight, 1)).toEqual([-4, -2, -2, 2.5, 3, -4, -0.5, 2.5]);
    expect(multiply(weight, x)).toEqual([1.5, -9, 9.375, -1.5, 4.625, 4.375, 4, 2.5]);
  });

  it('an index that is there counts, also where desc_act is false', () => {
    expect(weightOf(describeModule(usual))).toEqual(weight);
  });

  it('without an index groups are runs of neighbours', () => {
    const described = describeModule(usual, withoutIndex);
    expect(described.weight.groupIndex).toBeUndefined();
    expect(multiply(weightOf(described), x)).toEqual([6.5, -8.25, 12.625, 1, 1.125, 4.625, 4.5, 0.75]);
  });

  it('the index may be of 64-bit integers', () => {
    const described = describeModule(usual, { ...tensorsOfA, 'a.g_idx': ['I64', [8]] });
    expect(weightOf(described, { 'a.g_idx': BigInt64Array.of(1n, 0n, 0n, 1n, 1n, 0n, 1n, 0n) })).toEqual(weight);
  });

  it('a group that does not exist is an error when it is read', () => {
    const index = { 'a.g_idx': Int32Array.of(2, 0, 0, 1, 1, 0, 1, 0) };
    expect(() => weightOf(describeModule(usual), index)).toThrow(
      'tensor a.g_idx: expected group numbers below 2, the groups of a.qzeros, found group 2',
    );
  });

  it('needs no index where there is one group', () => {
    const tensors = { ...withoutIndex, 'a.qzeros': ['I32', [1, 1]], 'a.scales': ['F16', [1, 8]] } as const;
    for (const group_size of [-1, 8, 128]) {
      const { weight: one } = describeModule({ ...usual, desc_act: true, group_size }, tensors);
      expect(one).toMatchObject({ scales: [{ block: [1, 8] }], zero: { block: [1, 8] } });
    }
  });
});

describe('settings', () => {
  it('version 2 stores zero points as they are', () => {
    const v2 = describeModule({ ...usual, checkpoint_format: 'gptq_v2' });
    const zeros = { 'a.qzeros': Int32Array.of(-2004318072, -2037872249) };
    expect(weightOf(v2, zeros)).toEqual(weightOf(describeModule(usual)));
  });

  it('stored zero points count, also where the settings say symmetric', () => {
    expect(describeModule({ ...usual, sym: false }).weight).toEqual(describeModule({ ...usual, sym: true }).weight);
  });

  it('the last group may be smaller', () => {
    const spec = linear('a', { inFeatures: 16 });
    const tensors = {
      'a.qweight': ['I32', [2, 8]],
      'a.qzeros': ['I32', [2, 1]],
      'a.scales': ['F16', [2, 8]],
    } as const;
    const described = describeModule({ ...usual, group_size: 12 }, tensors, spec);
    const weight = weightOf(described, { 'a.qweight': new Int32Array(16).fill(-1) });
    // Output 1 has the zero point 8 in both groups.
    expect([...weight.subarray(16, 32)]).toEqual([...Array(12).fill(3.5), ...Array(4).fill(1.75)]);
  });

  it('scales and biases are of any float, and scales of any sign', () => {
    const tensors = { ...tensorsOfA, 'a.scales': ['BF16', [2, 8]], 'a.bias': ['F32', [8]] } as const;
    const described = describeModule(usual, tensors, linear('a', { hasBias: true }));
    expect(described.bias).toMatchObject({ type: 'f32', ref: { name: 'a.bias' } });
    const negative = { 'a.scales': Uint16Array.of(...Array(8).fill(0xbf00), ...Array(8).fill(0xbe80)) };
    const positive = weightOf(describeModule(usual));
    expect([...weightOf(described, negative)]).toEqual([...positive].map((value) => -value));
  });

  it.each([2, 3, 4, 8])('%i bits name the scheme', (bits) => {
    const spec = linear('a', { inFeatures: 32, outFeatures: 32 });
    const tensors = {
      'a.qweight': ['I32', [bits, 32]],
      'a.qzeros': ['I32', [1, bits]],
      'a.scales': ['F16', [1, 32]],
    } as const;
    expect(describeModule({ ...usual, bits, group_size: -1 }, tensors, spec)).toMatchObject({
      scheme: `w${bits}a16`,
      weight: { codes: { type: `u${bits}` }, zero: { type: `u${bits}` } },
    });
  });
});
