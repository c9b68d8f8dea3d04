import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linear, stored } from './__fixtures__/linear.ts';
import type { ActivationQuantization } from './activation-quantization.ts';
import { plain } from './layout.ts';
import type { QuantizedWeight } from './quantized-weight.ts';
import { sliceLinear, sliceWeight } from './slice.ts';

const perToken: ActivationQuantization = {
  type: 'i8',
  granularity: { kind: 'token' },
  scale: { kind: 'dynamic', symmetric: true, divisor: 127 },
  rounding: 'half-even',
};

describe('sliceLinear along out', () => {
  const half = sliceLinear(linear(), 'out', 16, 32);

  it('moves codes, tables and bias to the first row', () => {
    expect(half.weight.outFeatures).toBe(16);
    expect(half.weight.inFeatures).toBe(64);
    for (const table of [half.weight.codes, half.weight.scales[0], half.weight.zero, half.bias]) {
      expect(table?.origin).toEqual({ out: 16 });
    }
  });

  it('keeps a table that one block covers', () => {
    const { weight } = linear();
    const perTensor = { ...stored('a.scale', 'F32', [], 'f32', plain()), block: [32, 64] as const };
    expect(sliceWeight({ ...weight, scales: [perTensor] }, 'out', 16, 32, 'a').scales[0]).toBe(perTensor);
  });

  it('moves constants of integer execution', () => {
    const integer = {
      accumulatorBias: stored('a.quant_bias', 'I32', [32], 'i32', plain('out')),
      outputScale: stored('a.deq_scale', 'F32', [32], 'f32', plain('out')),
    };
    const { integer: moved } = sliceLinear({ ...linear(), integer }, 'out', 16, 32);
    expect(moved?.accumulatorBias.origin).toEqual({ out: 16 });
    expect(moved?.outputScale.origin).toEqual({ out: 16 });
  });

  it('says which number does not divide a word', () => {
    expect(() => sliceLinear(linear('m.q_proj'), 'out', 0, 12)).toThrow(
      'm.q_proj: boundary 12 of 32 out features falls inside a stored word of 8\nUse a number of shards that cuts at multiples of 8.',
    );
  });
});

describe('sliceLinear along in', () => {
  it('moves codes by features and tables by groups; the bias stays with the first part', () => {
    const second = sliceLinear(linear(), 'in', 32, 64);
    expect(second.weight.codes.origin).toEqual({ in: 32 });
    expect(second.weight.scales[0]?.origin).toEqual({ in: 2 });
    expect(second.weight.zero?.origin).toEqual({ in: 2 });
    expect(second.bias).toBeUndefined();
    expect(sliceLinear(linear(), 'in', 0, 32).bias).toEqual(linear().bias);
  });

  it('says which number does not divide a group', () => {
    expect(() => sliceLinear(linear('m.o_proj', 32, 384, 128), 'in', 0, 192)).toThrow(
      'm.o_proj: boundary 192 of 384 in features falls inside a block of scales of 128\nUse a number of shards that cuts at multiples of 128.',
    );
    expect(() => sliceLinear(linear('m.down_proj', 8, 29568, 128), 'in', 0, 14784)).toThrow('boundary 14784 of 29568');
  });

  it('moves a group index and leaves the tables it points into', () => {
    const groupIndex = stored('a.g_idx', 'I32', [64], 'i32', plain('in'));
    const unindexed = linear().weight;
    const weight: QuantizedWeight = {
      ...unindexed,
      groupIndex,
      scales: unindexed.scales.map((scale) => ({ ...scale, indexed: true })),
      zero: { ...unindexed.zero!, indexed: true },
    };
    const sliced = sliceWeight(weight, 'in', 24, 40, 'a');
    expect(sliced.groupIndex?.origin).toEqual({ in: 24 });
    expect(sliced.scales[0]?.origin).toBeUndefined();
    expect(sliced.scales[0]?.block).toEqual(weight.scales[0]?.block);
    expect(sliceWeight(weight, 'out', 8, 16, 'a').groupIndex).toBe(groupIndex);
  });

  it('moves a shift with the scales', () => {
    const { weight } = linear();
    const { zero, ...rest } = weight;
    const shift = { ...stored('a.qzeros', 'F16', [4, 32], 'f16', plain('in', 'out')), block: [1, 16] as const };
    expect(zero).toBeDefined();
    expect(sliceWeight({ ...rest, shift }, 'in', 16, 64, 'a').shift?.origin).toEqual({ in: 1 });
  });

  it('refuses what needs the whole row', () => {
    const message =
      'a: activations quantized over the whole row, or with integer constants, cannot be cut along input features\nCut this module along output features.';
    const perTensor: ActivationQuantization = { ...perToken, granularity: { kind: 'tensor' } };
    expect(() => sliceLinear({ ...linear(), activations: perToken }, 'in', 0, 32)).toThrow(message);
    expect(() => sliceLinear({ ...linear(), activations: perTensor }, 'in', 0, 32)).toThrow(message);
    const accumulatorBias = stored('a.quant_bias', 'I32', [32], 'i32', plain('out'));
    expect(() =>
      sliceLinear({ ...linear(), integer: { accumulatorBias, outputScale: accumulatorBias } }, 'in', 0, 32),
    ).toThrow(message);
  });

  it('takes activations with a scale for everything or one per group', () => {
    const scale = { kind: 'static', scale: stored('a.input_scale', 'F32', [1], 'f32', plain(undefined)) } as const;
    const fixed: ActivationQuantization = { ...perToken, granularity: { kind: 'tensor' }, scale };
    expect(sliceLinear({ ...linear(), activations: fixed }, 'in', 0, 32).activations).toBe(fixed);
    const grouped: ActivationQuantization = { ...perToken, granularity: { kind: 'group', size: 32 } };
    expect(sliceLinear({ ...linear(), activations: grouped }, 'in', 0, 32).activations).toBe(grouped);
    expect(() => sliceLinear({ ...linear(), activations: grouped }, 'in', 0, 16)).toThrow(
      'a: boundary 16 of 64 in features falls inside a group of activations of 32',
    );
  });
});

describe('slices', () => {
  it.each([
    [0, 0],
    [-8, 8],
    [8, 40],
    [0.5, 8],
    [16, 8],
  ])('refuses the range %d..%d', (start, end) => {
    expect(() => sliceLinear(linear('m'), 'out', start, end)).toThrow(`m: slice ${start}..${end} of 32 out features`);
  });

  it('of slices add up', () => {
    const cuts = (count: number) =>
      fc
        .uniqueArray(fc.nat(count), { minLength: 2, maxLength: 2 })
        .map(([a, b]) => [Math.min(a!, b!), Math.max(a!, b!)] as const);
    const nested = cuts(8).chain(([start, end]) => fc.tuple(fc.constant([start, end] as const), cuts(end - start)));
    fc.assert(
      fc.property(fc.constantFrom('out', 'in'), nested, (axis, [[start, end], [from, to]]) => {
        const unit = axis === 'out' ? 8 : 16;
        const whole = linear('a', 64, 128);
        const outer = sliceLinear(whole, axis, start * unit, end * unit);
        const twice = sliceLinear(outer, axis, from * unit, to * unit);
        expect(twice.weight).toEqual(sliceLinear(whole, axis, (start + from) * unit, (start + to) * unit).weight);
      }),
    );
  });
});
