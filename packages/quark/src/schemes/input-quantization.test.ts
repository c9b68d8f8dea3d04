import type { JsonObject } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { describeLinear, dynamic, linear, settings, specs, type Tensors } from '../test-support/checkpoint.ts';

const weight: Tensors = { 'a.weight': ['F8_E4M3', [2, 32]], 'a.weight_scale': ['F32', []] };

function activations(input: unknown, tensors: Tensors = {}) {
  return describeLinear(settings(specs.fp8, input), { ...weight, ...tensors }, linear(2, 32)).activations;
}

describe('dynamic', () => {
  const perGroup = {
    dtype: 'int8',
    qscheme: 'per_group',
    ch_axis: -1,
    group_size: 16,
    is_dynamic: true,
    symmetric: true,
  };

  it.each<[string, JsonObject, object]>([
    [
      'fp8 per token',
      specs.fp8PerToken,
      { type: 'f8e4m3', granularity: { kind: 'token' }, scale: { symmetric: true, divisor: 448 } },
    ],
    ['fp8 per token, by tokens of a batch', { ...specs.fp8PerToken, ch_axis: -2 }, { granularity: { kind: 'token' } }],
    [
      'fp8 per tensor',
      dynamic(specs.fp8),
      { type: 'f8e4m3', granularity: { kind: 'tensor' }, scale: { divisor: 448 } },
    ],
    ['fp8 in another spelling', dynamic({ ...specs.fp8, dtype: 'fp8_e4m3fn' }), { type: 'f8e4m3' }],
    [
      'int8 per token',
      specs.int8PerToken,
      { type: 'i8', granularity: { kind: 'token' }, scale: { symmetric: true, divisor: 127.5 } },
    ],
    [
      'int8 with zero points',
      { ...specs.int8PerToken, symmetric: false },
      { scale: { symmetric: false, divisor: 255 } },
    ],
    ['int8 per group', perGroup, { granularity: { kind: 'group', size: 16 }, scale: { divisor: 127.5 } }],
    ['one group', { ...perGroup, group_size: -1 }, { granularity: { kind: 'token' } }],
    [
      'scales of bf16',
      { ...specs.fp8PerToken, scale_type: 'bfloat16' },
      { scale: { divisor: 448, scaleType: 'bf16' } },
    ],
    ['scales of f16', { ...specs.fp8PerToken, scale_type: 'float16' }, { scale: { divisor: 448, scaleType: 'f16' } }],
    [
      'MXFP4',
      dynamic(specs.mxfp4),
      { type: 'f4e2m1', granularity: { kind: 'group', size: 32 }, scale: { divisor: 14 / 3, scaleType: 'e8m0' } },
    ],
    [
      'MXFP4, floor',
      dynamic({ ...specs.mxfp4, scale_calculation_mode: 'floor' }),
      { scale: { divisor: 16 / 3, scaleType: 'e8m0' } },
    ],
    [
      'MXFP4, even by default',
      dynamic({ ...specs.mxfp4, scale_calculation_mode: null }),
      { scale: { divisor: 14 / 3 } },
    ],
    [
      'MXFP6',
      dynamic({ ...specs.mxfp4, dtype: 'fp6_e3m2' }),
      { type: 'f6e3m2', scale: { divisor: 20, scaleType: 'e8m0' } },
    ],
    [
      'fp4 with scales that are floats',
      dynamic({ ...specs.mxfp4, scale_format: 'float32' }),
      { scale: { divisor: 6 } },
    ],
  ])('%s', (_, input, expected) => {
    expect(activations(input)).toMatchObject({
      rounding: 'half-even',
      ...expected,
      scale: { kind: 'dynamic', ...('scale' in expected ? (expected.scale as object) : {}) },
    });
  });

  it('integers are multiplied by the reciprocal of a dynamic scale, and only they', () => {
    const { fp8PerToken } = specs;
    expect(activations({ ...fp8PerToken, dtype: 'int8' })).toMatchObject({ type: 'i8', reciprocal: true });
    expect(activations(fp8PerToken)).not.toHaveProperty('reciprocal');
  });

  it('scales without a type stay f32', () => {
    expect(activations(specs.fp8PerToken)?.scale).toEqual({ kind: 'dynamic', symmetric: true, divisor: 448 });
  });

  it('NVFP4: scales are divided by a stored number, rounded to e4m3, and multiplied', () => {
    const input = [dynamic(specs.nvfp4[0]), specs.nvfp4[1]];
    expect(activations(input, { 'a.input_scale_2': ['F32', []] })).toMatchObject({
      type: 'f4e2m1',
      granularity: { kind: 'group', size: 16 },
      scale: {
        kind: 'dynamic',
        divisor: 6,
        scaleType: 'f8e4m3',
        globalScale: { type: 'f32', ref: { name: 'a.input_scale_2' } },
      },
    });
    expect(activations(input, { 'a.input_scale_2': ['F32', [1]] })?.scale).not.toHaveProperty('globalScale.divide');
  });
});

describe('static', () => {
  it('fp8', () => {
    const found = activations(specs.fp8, { 'a.input_scale': ['BF16', []] });
    expect(found).toMatchObject({
      type: 'f8e4m3',
      granularity: { kind: 'tensor' },
      scale: { kind: 'static', scale: { type: 'bf16' } },
    });
    expect(found?.scale).not.toHaveProperty('zero');
  });

  it('integers have zero points where the file has any', () => {
    const scale: Tensors = { 'a.input_scale': ['F32', []] };
    expect(activations(specs.int8, scale)?.scale).not.toHaveProperty('zero');
    const zero: Tensors = { 'a.input_zero_point': ['I8', []] };
    expect(activations(specs.int8, { ...scale, ...zero })?.scale).toMatchObject({
      kind: 'static',
      zero: { type: 'i8' },
    });
    const others: Tensors = { ...scale, 'b.input_zero_point': ['I8', []] };
    expect(() => activations(specs.int8, others)).toThrow(
      'tensor a.input_zero_point: expected I8 [], found no such tensor',
    );
  });

  it('by the names of the quantizer’s module', () => {
    const found = activations(specs.fp8, { 'a.input_quantizer.scale': ['F32', [1]] });
    expect(found?.scale).toMatchObject({ scale: { ref: { name: 'a.input_quantizer.scale' } } });
  });
});

it('inputs may be quantized where weights are not', () => {
  const description = describeLinear(
    settings(null, specs.int8PerToken),
    { 'a.weight': ['F16', [2, 32]] },
    linear(2, 32),
  );
  expect(description).toMatchObject({ weight: { codes: { type: 'f16' }, scales: [] }, activations: { type: 'i8' } });
});
