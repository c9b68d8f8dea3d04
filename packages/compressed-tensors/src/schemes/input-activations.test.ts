import type { DType, JsonObject } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { describeLinear, groupConfig, linear, parse, type Tensors } from '../__fixtures__/checkpoint.ts';

const { name } = linear;
const int8: JsonObject = { strategy: 'channel' };
const weights: Tensors = { [`${name}.weight`]: ['I8', [8, 64]], [`${name}.weight_scale`]: ['BF16', [8, 1]] };

function activationsOf(input: JsonObject, more: Tensors = {}) {
  const config = groupConfig(int8, { input_activations: input });
  return describeLinear(config, { ...weights, ...more }).description.activations;
}

describe('dynamic', () => {
  const group = { type: 'float', group_size: 32, dynamic: true };
  const mx = { ...group, scale_dtype: 'torch.uint8' };

  it.each<[string, JsonObject, object]>([
    [
      'int8 per token',
      { strategy: 'token', dynamic: true },
      { type: 'i8', granularity: { kind: 'token' }, scale: { symmetric: true, divisor: 127.5 } },
    ],
    ['int4 per token', { num_bits: 4, strategy: 'token', dynamic: true }, { type: 'i4', scale: { divisor: 7.5 } }],
    [
      'int8 per token, asymmetric',
      { strategy: 'token', dynamic: true, symmetric: false },
      { scale: { symmetric: false, divisor: 255 } },
    ],
    ['int8 per tensor', { dynamic: true }, { granularity: { kind: 'tensor' }, scale: { divisor: 127.5 } }],
    ['fp8 per token', { type: 'float', strategy: 'token', dynamic: true }, { type: 'f8e4m3', scale: { divisor: 448 } }],
    [
      'fp8 per group',
      { ...group, group_size: 128 },
      { granularity: { kind: 'group', size: 128 }, scale: { divisor: 448 } },
    ],
    ['fp4 per group', { ...group, num_bits: 4 }, { type: 'f4e2m1', scale: { divisor: 6 } }],
    ['fp6 per group', { ...group, num_bits: 6 }, { type: 'f6e2m3', scale: { divisor: 7.5 } }],
    ['MXFP4', { ...mx, num_bits: 4 }, { type: 'f4e2m1', scale: { divisor: 14 / 3, scaleType: 'e8m0' } }],
    ['MXFP6', { ...mx, num_bits: 6 }, { type: 'f6e2m3', scale: { divisor: 31 / 6, scaleType: 'e8m0' } }],
    ['MXFP8', { ...mx, num_bits: 8 }, { type: 'f8e4m3', scale: { divisor: 896 / 3, scaleType: 'e8m0' } }],
    ['scales rounded to bf16', { ...group, scale_dtype: 'bfloat16' }, { scale: { divisor: 448, scaleType: 'bf16' } }],
  ])('%s', (_, input, expected) => {
    expect(activationsOf(input)).toMatchObject({ rounding: 'half-even', ...expected });
  });

  it('f32 scales are not rounded', () => {
    expect(activationsOf({ ...group, scale_dtype: 'float32' })?.scale).toEqual({
      kind: 'dynamic',
      symmetric: true,
      divisor: 448,
    });
  });
});

/** The exponent that a largest magnitude gets, with 127 added: the scale is the nearest power of two, halves up. */
function exponentOf(amax: number, divisor: number): number {
  const scale = amax / divisor;
  const floor = Math.floor(Math.log2(scale));
  return 127 + (scale / 2 ** floor >= 1.5 ? floor + 1 : floor);
}

describe('divisors of MX', () => {
  it.each([
    [14 / 3, 6.9, 127],
    [14 / 3, 7, 128],
    [14 / 3, 3.49, 126],
    [14 / 3, 3.5, 127],
    [14 / 3, 1, 125],
    [896 / 3, 440, 127],
    [896 / 3, 447, 127],
    [896 / 3, 448, 128],
    [896 / 3, 500, 128],
    [896 / 3, 1, 119],
    [896 / 3, 1.75, 120],
    // e2m3: up where the magnitude would round past 7.5.
    [31 / 6, 7.74, 127],
    [31 / 6, 7.75, 128],
    [31 / 6, 4, 127],
    [31 / 6, 3.9, 127],
    [31 / 6, 3.87, 126],
  ])('divisor %f: %f gets %i', (divisor, amax, exponent) => {
    expect(exponentOf(amax, divisor)).toBe(exponent);
  });
});

describe('stored', () => {
  const scale = (dtype: DType, ...shape: number[]): Tensors => ({ [`${name}.input_scale`]: [dtype, shape] });
  const zero = (dtype: DType, ...shape: number[]): Tensors => ({ [`${name}.input_zero_point`]: [dtype, shape] });

  it.each([[[1]], [[]]])('a scale of shape %j', (shape) => {
    expect(activationsOf({}, scale('BF16', ...shape))).toMatchObject({
      type: 'i8',
      granularity: { kind: 'tensor' },
      scale: { kind: 'static', scale: { type: 'bf16', ref: { name: `${name}.input_scale` } } },
    });
  });

  it('a zero point, where it is asymmetric', () => {
    const both = { ...scale('F32', 1), ...zero('I8', 1) };
    expect(activationsOf({ symmetric: false }, both)).toMatchObject({
      scale: { zero: { type: 'i8' } },
      zeroFirst: true,
    });
    expect(activationsOf({}, scale('F32', 1))).not.toHaveProperty('zeroFirst');
    expect(() => activationsOf({ symmetric: false }, scale('F32', 1))).toThrow(
      `tensor ${name}.input_zero_point: expected I8 [1], found no such tensor`,
    );
  });

  it('a zero point of a symmetric file counts too', () => {
    expect(activationsOf({}, { ...scale('F32', 1), ...zero('I8', 1) })?.scale).toMatchObject({ zero: { type: 'i8' } });
  });

  it('a zero point that quantizing cannot use must be zero', () => {
    const fp8 = groupConfig(int8, { input_activations: { type: 'float' } });
    const { description, unused } = describeLinear(fp8, { ...weights, ...scale('F32', 1), ...zero('F8_E4M3', 1) });
    expect(description.activations?.scale).not.toHaveProperty('zero');
    expect(unused.get(`${name}.input_zero_point`)).toMatchObject({ onlyZeros: true });
  });

  it('a global scale of inputs that an MX file carries for nothing', () => {
    const mx = { type: 'float', num_bits: 4, group_size: 32, scale_dtype: 'uint8', dynamic: true };
    const config = groupConfig(int8, { input_activations: mx });
    const { unused } = describeLinear(config, { ...weights, [`${name}.input_global_scale`]: ['F32', [1]] });
    expect([...unused.keys()]).toEqual([`${name}.input_global_scale`]);
  });

  it('NVFP4: a global scale that multiplies before and divides after', () => {
    const local = {
      type: 'float',
      num_bits: 4,
      strategy: 'tensor_group',
      group_size: 16,
      dynamic: 'local',
      scale_dtype: 'torch.float8_e4m3fn',
    };
    expect(activationsOf(local, { [`${name}.input_global_scale`]: ['F32', [1]] })).toMatchObject({
      type: 'f4e2m1',
      granularity: { kind: 'group', size: 16 },
      scale: { kind: 'dynamic', divisor: 6, scaleType: 'f8e4m3', globalScale: { divide: true, type: 'f32' } },
    });
    expect(() => activationsOf(local)).toThrow(
      `tensor ${name}.input_global_scale: expected F32 [1], found no such tensor`,
    );
  });
});

describe('refuses', () => {
  const place = 'quantization_config.config_groups.group_0.input_activations';

  it.each<[string, JsonObject, string]>([
    [
      'asymmetric floats',
      { type: 'float', strategy: 'token', dynamic: true, symmetric: false },
      'asymmetric floats are not supported',
    ],
    ['stored scales per group', { group_size: 32 }, 'stored scales per group are not supported'],
    ['stored scales per head', { strategy: 'attn_head' }, 'stored scales per attn_head are not supported'],
    [
      'a global scale from the data',
      { type: 'float', num_bits: 4, strategy: 'tensor_group', group_size: 16, dynamic: true },
      'a global scale from the data is not supported, only a stored one (dynamic "local")',
    ],
    [
      'exponents for groups of another size',
      { type: 'float', group_size: 64, dynamic: true, scale_dtype: 'uint8' },
      'scales as exponents exist for floats in groups of 32 only',
    ],
  ])('%s', (_, input, message) => {
    expect(parse(groupConfig(int8, { input_activations: input }), weights).linearScheme(linear)).toEqual({
      kind: 'refused',
      refusal: { by: 'compressed-tensors', code: 'ACTIVATIONS', message: `${place}: ${message}` },
    });
  });

  it('groups of inputs in the order of a group index', () => {
    const input = { group_size: 32, dynamic: true };
    const config = groupConfig({ group_size: 32, actorder: 'group' }, { input_activations: input });
    expect(parse(config, weights).linearScheme(linear)).toMatchObject({
      refusal: { message: `${place}: groups of inputs in the order of a group index are not supported` },
    });
  });

  it('inputs of an embedding', () => {
    const config = groupConfig(int8, {
      targets: ['Embedding'],
      input_activations: { strategy: 'token', dynamic: true },
    });
    const spec = { kind: 'embedding', name: 'e', vocabSize: 4, hiddenSize: 8 } as const;
    expect(parse(config, { 'e.weight': ['I8', [4, 8]] }).embeddingScheme(spec)).toMatchObject({
      kind: 'refused',
      refusal: { message: `${place}: the input of e are token ids, which cannot be quantized` },
    });
  });
});

describe('inputs without quantized weights', () => {
  it('float weights as they are', () => {
    const config = groupConfig(null, { input_activations: { type: 'float', strategy: 'token', dynamic: true } });
    const { description } = describeLinear(config, { [`${name}.weight`]: ['BF16', [8, 64]] });
    expect(description).toMatchObject({ scheme: 'w16a8-fp8', weight: { codes: { type: 'bf16' }, scales: [] } });
    expect(description.activations).toBeDefined();
  });
});
