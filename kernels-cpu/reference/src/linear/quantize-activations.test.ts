import { type ActivationQuantization, type DynamicScale, plain } from '@lowbit/core';
import { syntheticTensor, tensorReader } from '@lowbit/testkit';
import { describe, expect, it } from 'vitest';
import { createActivationQuantizer } from './quantize-activations.ts';

const noTensors = tensorReader([]);

function dynamic(
  type: ActivationQuantization['type'],
  granularity: ActivationQuantization['granularity'],
  scale: Omit<DynamicScale, 'kind' | 'symmetric'> & { readonly symmetric?: boolean },
  rounding: ActivationQuantization['rounding'] = 'half-even',
): ActivationQuantization {
  return { type, granularity, scale: { kind: 'dynamic', symmetric: true, ...scale }, rounding };
}

function quantize(activations: ActivationQuantization, rows: readonly (readonly number[])[], read = noTensors) {
  const quantizer = createActivationQuantizer(activations, rows[0]!.length, read);
  const quantized = quantizer.quantize(Float32Array.from(rows.flat()), rows.length);
  return {
    codes: [...quantized.codes],
    scales: [...quantized.scales],
    zeros: [...quantized.zeros],
    values: [...quantizer.dequantize(quantized)],
  };
}

const perToken = { kind: 'token' } as const;
const row = [0.2, -1, 0.6, 0.1];

/** Worked examples of the libraries that write such checkpoints. */
describe('dynamic per token', () => {
  it('int8, largest magnitude over 127.5', () => {
    // -127.5 in exact arithmetic; the f32 quotient lies just inside.
    const { codes, scales } = quantize(dynamic('i8', perToken, { divisor: 127.5 }), [row]);
    expect(codes).toEqual([25, -127, 76, 13]);
    expect(scales).toEqual([Math.fround(1 / 127.5)]);
  });

  it('int8, largest magnitude over 127', () => {
    const { codes, scales } = quantize(dynamic('i8', perToken, { divisor: 127 }), [[1, -2, 0.5]]);
    expect(codes).toEqual([64, -127, 32]);
    expect(scales).toEqual([Math.fround(2 / 127)]);
  });

  it('int8, both roundings of ties', () => {
    const ties = [127, 0.5, 1.5, -2.5];
    expect(quantize(dynamic('i8', perToken, { divisor: 127 }), [ties]).codes.map((q) => q + 0)).toEqual([
      127, 0, 2, -2,
    ]);
    expect(quantize(dynamic('i8', perToken, { divisor: 127 }, 'half-away'), [ties]).codes).toEqual([127, 1, 2, -3]);
  });

  it('int8 asymmetric', () => {
    const { codes, scales, zeros } = quantize(dynamic('i8', perToken, { symmetric: false, divisor: 255 }), [row]);
    expect(scales[0]).toBeCloseTo(0.00627451, 8);
    expect(zeros).toEqual([31]);
    expect(codes).toEqual([63, -128, 127, 47]);
  });

  it('int8 asymmetric keeps zero in the range', () => {
    const { scales, zeros } = quantize(dynamic('i8', perToken, { symmetric: false, divisor: 255 }), [[2, 3]]);
    expect(scales).toEqual([Math.fround(3 / 255)]);
    expect(zeros).toEqual([-128]);
  });

  it('int4', () => {
    expect(quantize(dynamic('i4', perToken, { divisor: 7 }), [[0.7, -0.35, 0.1, -0.7]]).codes).toEqual([7, -4, 1, -7]);
  });

  it('fp8', () => {
    const { codes, scales } = quantize(dynamic('f8e4m3', perToken, { divisor: 448 }), [row]);
    expect(scales[0]).toBeCloseTo(0.002232143, 9);
    expect(codes).toEqual([88, -448, 256, 44]);
  });

  it('a row of zeros is zero, each row has a scale of its own', () => {
    for (const symmetric of [true, false]) {
      const { scales, values } = quantize(dynamic('i8', perToken, { symmetric, divisor: 127 }), [
        [0, 0, 0],
        [0, 127, 0],
      ]);
      expect(scales).toEqual([0, 1]);
      expect(values).toEqual([0, 0, 0, 0, 127, 0]);
    }
  });

  it('NaN makes its row NaN and no other', () => {
    const { values } = quantize(dynamic('i8', perToken, { divisor: 127 }), [
      [1, Number.NaN],
      [127, 1],
    ]);
    expect(values).toEqual([Number.NaN, Number.NaN, 127, 1]);
  });

  it('per tensor is per token too, so that rows stay independent', () => {
    const { scales } = quantize(dynamic('i8', { kind: 'tensor' }, { divisor: 127 }), [[127], [254]]);
    expect(scales).toEqual([1, 2]);
  });
});

describe('dynamic per group', () => {
  it('the last group may be partial', () => {
    const { scales, values } = quantize(dynamic('i8', { kind: 'group', size: 2 }, { divisor: 127 }), [
      [127, 1, 254, 2, 381],
      [0, 0, 127, 127, 0],
    ]);
    expect(scales).toEqual([1, 2, 3, 0, 1, 0]);
    expect(values).toEqual([127, 1, 254, 2, 381, 0, 0, 127, 127, 0]);
  });

  it('MX scales are the nearest power of two', () => {
    const group = { kind: 'group', size: 2 } as const;
    const mx = (largest: number) =>
      quantize(dynamic('f4e2m1', group, { divisor: 4, scaleType: 'e8m0' }), [[largest, 0]]);
    expect([4, 5.9, 6, 11].map((largest) => mx(largest).scales[0])).toEqual([1, 1, 2, 2]);
    expect(mx(0).scales).toEqual([2 ** -127]);
    expect(mx(0).values).toEqual([0, 0]);
  });

  it.each([
    ['divides', 448, true],
    ['multiplies', 1 / 512, false],
  ] as const)('NVFP4 scales are e4m3 times a global scale that %s', (_, stored, divide) => {
    const form = { type: 'f32', dtype: 'F32', shape: [1], layout: plain(undefined) } as const;
    const global = syntheticTensor('input_global_scale', form, [], [stored]);
    const globalScale = { ...global.stored, ...(divide ? { divide } : {}) };
    const activations = dynamic('f4e2m1', { kind: 'group', size: 4 }, { divisor: 6, scaleType: 'f8e4m3', globalScale });
    const { scales, codes } = quantize(activations, [[3, -0.5, 0.7, 0.1]], tensorReader([global]));
    // 448 * 3/6 = 224 and 512 * 3/6 = 256 are numbers of e4m3: the scale stays 0.5.
    expect(scales).toEqual([0.5]);
    expect(codes).toEqual([6, -1, 1.5, 0]);
  });

  it('a scale that rounds to zero gives zeros', () => {
    const activations = dynamic('f4e2m1', { kind: 'group', size: 2 }, { divisor: 6, scaleType: 'f8e4m3' });
    expect(quantize(activations, [[1e-6, -1e-7]]).values).toEqual([0, 0]);
  });
});

describe('static', () => {
  const groups = (type: 'f32' | 'i8', dtype: 'F32' | 'I8', values: readonly number[]) =>
    syntheticTensor(
      `stored.${type}`,
      { type, dtype, shape: [values.length], layout: plain('in') },
      [['in', values.length]],
      values,
    );

  it('int8 per tensor, asymmetric', () => {
    const [scale, zero] = [groups('f32', 'F32', [0.5]), groups('i8', 'I8', [3])];
    const activations: ActivationQuantization = {
      type: 'i8',
      granularity: { kind: 'tensor' },
      scale: { kind: 'static', scale: scale.stored, zero: zero.stored },
      rounding: 'half-even',
    };
    const { codes, values } = quantize(activations, [[1.2, -0.8, 2, 500]], tensorReader([scale, zero]));
    expect(codes).toEqual([5, 1, 7, 127]);
    expect(values).toEqual([1, -1, 2, 62]);
  });

  it('an odd zero point moves ties, if it is added first', () => {
    const [scale, zero] = [groups('f32', 'F32', [0.5]), groups('i8', 'I8', [3])];
    const activations: ActivationQuantization = {
      type: 'i8',
      granularity: { kind: 'tensor' },
      scale: { kind: 'static', scale: scale.stored, zero: zero.stored },
      rounding: 'half-even',
    };
    const [input, read] = [[[1.25, -1.25, 0.75, 100]], tensorReader([scale, zero])] as const;
    expect(quantize({ ...activations, zeroFirst: true }, input, read).codes).toEqual([6, 0, 4, 127]);
    expect(quantize(activations, input, read).codes).toEqual([5, 1, 5, 127]);
  });

  it('a product with the reciprocal falls to the other side of a tie', () => {
    const activations: ActivationQuantization = {
      type: 'i8',
      granularity: { kind: 'token' },
      scale: { kind: 'dynamic', symmetric: true, divisor: 127.5 },
      rounding: 'half-even',
    };
    // With the scale f32(0.751 / 127.5) the quotient is just above -127.5, the product exactly that.
    const [input, read] = [[[-0.7509999871253967]], tensorReader([])] as const;
    expect(quantize(activations, input, read).codes).toEqual([-127]);
    expect(quantize({ ...activations, reciprocal: true }, input, read).codes).toEqual([-128]);
  });

  it('a scale per group', () => {
    const scale = groups('f32', 'F32', [1, 0.25]);
    const activations: ActivationQuantization = {
      type: 'f8e4m3',
      granularity: { kind: 'group', size: 2 },
      scale: { kind: 'static', scale: scale.stored },
      rounding: 'half-even',
    };
    expect(quantize(activations, [[17, 19, 4.25, 1e6]], tensorReader([scale])).values).toEqual([16, 20, 4, 112]);
  });
});
