import type { DType, JsonObject } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { describe, expect, it } from 'vitest';
import { describeLinear, linear, settings, specs, type Tensors } from '../test-support/checkpoint.ts';

/** Tensors with numbers in them. */
type Stored = Readonly<Record<string, readonly [DType, readonly number[], ArrayBufferView]>>;

function dequantize(
  quantization: JsonObject,
  stored: Stored,
  outFeatures: number,
  inFeatures: number,
): readonly number[] {
  const tensors: Tensors = Object.fromEntries(
    Object.entries(stored).map(([name, [dtype, shape]]) => [name, [dtype, shape]]),
  );
  const { weight } = describeLinear(quantization, tensors, linear(outFeatures, inFeatures));
  return [
    ...dequantizeWeight(weight, ({ name }) => {
      const view = stored[name]![2];
      return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    }),
  ];
}

const f32 = (...values: number[]) => Float32Array.of(...values);
const round = (values: readonly number[]) => values.map((value) => Math.fround(value));

describe('integers', () => {
  const perChannel = { ...specs.int8, qscheme: 'per_channel', ch_axis: 0 };

  it('int8 per channel, zero points used', () => {
    const stored: Stored = {
      'a.weight': ['I8', [2, 2], Int8Array.of(64, -127, 32, 96)],
      'a.weight_scale': ['F32', [2], f32(0.5, 2)],
      'a.weight_zero_point': ['I8', [2], Int8Array.of(0, 1)],
    };
    expect(dequantize(settings(perChannel), stored, 2, 2)).toEqual([32, -63.5, 62, 190]);
  });

  it('the same without zero points, as old versions wrote symmetric ones', () => {
    const stored: Stored = {
      'a.weight': ['I8', [2, 2], Int8Array.of(64, -127, 32, 96)],
      'a.weight_scale': ['F32', [2], f32(0.5, 2)],
    };
    expect(dequantize(settings(perChannel), stored, 2, 2)).toEqual([32, -63.5, 64, 192]);
  });

  it('uint8 per group is transposed', () => {
    const stored: Stored = {
      'a.weight': ['U8', [4, 2], Uint8Array.of(1, 5, 2, 6, 3, 7, 4, 8)],
      'a.weight_scale': ['F32', [2, 2], f32(1, 2, 10, 20)],
      'a.weight_zero_point': ['U8', [2, 2], Uint8Array.of(1, 5, 0, 8)],
    };
    const spec = { ...specs.uint4, dtype: 'uint8', group_size: 2 };
    expect(dequantize(settings(spec), stored, 2, 4)).toEqual([0, 1, 30, 40, 0, 2, -20, 0]);
  });

  // q[out][in] = (out + 2 in) mod 16, 8 x 4, in the words of the format's own worked example.
  const reordered = Uint32Array.of(0x75316420, 0x97538642, 0xb975a864, 0xdb97ca86);
  const natural = Uint32Array.of(0x76543210, 0x98765432, 0xba987654, 0xdcba9876);
  const q = Array.from({ length: 32 }, (_, index) => (Math.floor(index / 4) + 2 * (index % 4)) % 16);

  it.each([
    ['reorder', reordered, 0x75316420],
    ['order', natural, 0x76543210],
  ] as const)('uint4 per group, %s', (pack_method, words, zeroWord) => {
    const stored: Stored = {
      'a.weight': ['I32', [4, 1], words],
      'a.weight_scale': ['F32', [1, 8], f32(1, 1, 1, 1, 1, 1, 1, 1)],
      'a.weight_zero_point': ['I32', [1, 1], Uint32Array.of(zeroWord)],
    };
    // The zero point of row n is n.
    const expected = q.map((code, index) => code - Math.floor(index / 4));
    expect(dequantize(settings(specs.uint4, null, { export: { pack_method } }), stored, 8, 4)).toEqual(expected);
  });

  it('scales that are not transposed, as older versions wrote them', () => {
    const stored: Stored = {
      'a.weight': ['I32', [4, 1], reordered],
      'a.weight_scale': ['F32', [8, 2], Float32Array.from({ length: 16 }, (_, index) => index + 1)],
      'a.weight_zero_point': ['I32', [2, 1], Uint32Array.of(0, 0)],
    };
    const spec = { ...specs.uint4, group_size: 2 };
    const expected = q.map((code, index) => code * (Math.floor(index / 2) + 1));
    expect(dequantize(settings(spec), stored, 8, 4)).toEqual(expected);
  });

  it('uint4 per channel packs along the inputs, its zero points along the outputs', () => {
    const stored: Stored = {
      'a.weight': ['I32', [2, 1], Uint32Array.of(0x75316420, 0x00000001)],
      'a.weight_scale': ['BF16', [2], Uint16Array.of(0x3f80, 0x4000)],
      'a.weight_zero_point': ['I32', [1], Uint32Array.of(0x000f0001)],
    };
    const spec = { ...specs.uint4, qscheme: 'per_channel', ch_axis: 0 };
    // In AWQ's order row 1 has its zero point in nibble 4.
    expect(dequantize(settings(spec), stored, 2, 8)).toEqual([
      ...[-1, 0, 1, 2, 3, 4, 5, 6],
      ...[-28, -30, -30, -30, -30, -30, -30, -30],
    ]);
  });

  it('int4 per tensor: one zero point in the low nibble', () => {
    const stored: Stored = {
      'a.weight': ['I32', [1, 1], Uint32Array.of(0x720961f8)],
      'a.weight_scale': ['F32', [], f32(0.5)],
      'a.weight_zero_point': ['I32', [], Int32Array.of(-3)],
    };
    const spec = { ...specs.uint4, dtype: 'int4', qscheme: 'per_tensor' };
    const codes = [-8, -7, -1, 0, 1, 2, 6, 7];
    expect(dequantize(settings(spec), stored, 1, 8)).toEqual(codes.map((code) => (code + 3) / 2));
  });

  it('zero points that are floats are stored like scales', () => {
    const stored: Stored = {
      'a.weight': ['I32', [4, 1], reordered],
      'a.weight_scale': ['F32', [1, 8], f32(1, 1, 1, 1, 1, 1, 1, 2)],
      'a.weight_zero_point': ['F32', [1, 8], f32(0.5, 0, 0, 0, 0, 0, 0, 1.5)],
    };
    const values = dequantize(settings({ ...specs.uint4, zero_point_type: 'float32' }), stored, 8, 4);
    expect(values.slice(0, 4)).toEqual([-0.5, 1.5, 3.5, 5.5]);
    expect(values.slice(28)).toEqual([11, 15, 19, 23]);
  });

  it('int3 per channel is a stream, and so are its zero points', () => {
    const stored: Stored = {
      'a.weight': ['U8', [8, 3], Uint8Array.from({ length: 24 }, (_, index) => [0x88, 0xc6, 0xfa][index % 3]!)],
      'a.weight_scale': ['F32', [8], f32(1, 1, 1, 1, 1, 1, 1, 1)],
      'a.weight_zero_point': ['U8', [3], Uint8Array.of(0x88, 0xc6, 0xfa)],
    };
    const codes = [0, 1, 2, 3, -4, -3, -2, -1];
    const spec = { ...specs.int8, dtype: 'int3', qscheme: 'per_channel', ch_axis: 0, symmetric: false };
    expect(dequantize(settings(spec), stored, 8, 8)).toEqual(codes.flatMap((zero) => codes.map((code) => code - zero)));
  });

  it.each([
    ['I32', Int32Array.of(-2, 1, 0, -1)],
    ['I8', Int8Array.of(-2, 1, 0, -1)],
  ] as const)('int2 is not packed: %s', (dtype, codes) => {
    const stored: Stored = {
      'a.weight': [dtype, [4, 1], codes],
      'a.weight_scale': ['F32', [2, 1], f32(0.5, 4)],
    };
    const spec = { ...specs.uint4, dtype: 'int2', group_size: 2, symmetric: true };
    expect(dequantize(settings(spec), stored, 1, 4)).toEqual([-1, 0.5, 0, -4]);
  });
});

describe('floats', () => {
  it('fp8 per tensor', () => {
    const stored: Stored = {
      'a.weight': ['F8_E4M3', [2, 2], Uint8Array.of(0x76, 0xfe, 0x70, 0x60)],
      'a.weight_scale': ['F32', [], f32(1 / 448)],
    };
    const scale = Math.fround(1 / 448);
    expect(dequantize(settings(specs.fp8), stored, 2, 2)).toEqual(
      round([224 * scale, -448 * scale, 128 * scale, 32 * scale]),
    );
  });

  it('fp8 e5m2 in blocks', () => {
    const stored: Stored = {
      'a.weight': ['F8_E5M2', [2, 4], Uint8Array.of(0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c, 0x3c)],
      'a.weight_scale': ['F32', [2, 2], f32(1, 2, 3, 4)],
    };
    const spec = { ...specs.fp8, dtype: 'fp8_e5m2', qscheme: 'per_block', block_size: [1, 2] };
    expect(dequantize(settings(spec), stored, 2, 4)).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  });

  it('MXFP8: groups are not transposed, the last may be partial', () => {
    const stored: Stored = {
      'a.weight': ['F8_E4M3', [2, 3], Uint8Array.of(0x38, 0x38, 0x38, 0x38, 0x38, 0x38)],
      'a.weight_scale': ['U8', [2, 2], Uint8Array.of(127, 128, 126, 130)],
    };
    const spec = { ...specs.mxfp4, dtype: 'fp8_e4m3', group_size: 2 };
    expect(dequantize(settings(spec), stored, 2, 3)).toEqual([1, 1, 2, 0.5, 0.5, 8]);
  });

  it('MXFP4', () => {
    const stored: Stored = {
      'a.weight': ['U8', [1, 4], Uint8Array.of(0xe7, 0x20, 0x64, 0x82)],
      'a.weight_scale': ['U8', [1, 1], Uint8Array.of(128)],
    };
    expect(dequantize(settings(specs.mxfp4), stored, 1, 8)).toEqual([12, -8, 0, 2, 4, 8, 2, -0]);
  });

  it('fp4 with scales that are floats', () => {
    const stored: Stored = {
      'a.weight': ['U8', [1, 2], Uint8Array.of(0xe7, 0x20)],
      'a.weight_scale': ['BF16', [1, 1], Uint16Array.of(0x3f00)],
    };
    expect(dequantize(settings({ ...specs.mxfp4, scale_format: 'float32' }), stored, 1, 4)).toEqual([3, -2, 0, 0.5]);
  });
});

describe('stages', () => {
  it('NVFP4: scales are numbers of e4m3 times one for the tensor', () => {
    const stored: Stored = {
      'a.weight': ['U8', [1, 16], new Uint8Array(16).fill(0x22)],
      // 112 and 88
      'a.weight_scale': ['F8_E4M3', [1, 2], Uint8Array.of(0x6e, 0x6b)],
      'a.weight_scale_2': ['F32', [], f32(1 / 224)],
    };
    const values = dequantize(settings(specs.nvfp4), stored, 1, 32);
    const second = Math.fround(1 / 224);
    expect(values[0]).toBe(Math.fround(112 * second));
    expect(values[16]).toBe(Math.fround(88 * second));
    expect(values[16]).toBeCloseTo(0.39285714, 7);
  });

  it('int4 of fp8: both scales', () => {
    const stored: Stored = {
      'a.weight': ['I32', [8, 1], new Uint32Array(8).fill(0x11111111)],
      'a.weight_scale': ['BF16', [], Uint16Array.of(0x3f00)],
      'a.weight_scale_2': ['F32', [2, 8], Float32Array.from({ length: 16 }, (_, index) => index)],
      'a.weight_zero_point_2': ['I32', [2, 1], Uint32Array.of(0, 0)],
    };
    const spec = [specs.fp8, { ...specs.uint4, dtype: 'int4', symmetric: true }];
    const values = dequantize(settings(spec), stored, 8, 8);
    expect(values.slice(0, 8)).toEqual([0, 0, 0, 0, 4, 4, 4, 4]);
    expect(values.slice(56)).toEqual([3.5, 3.5, 3.5, 3.5, 7.5, 7.5, 7.5, 7.5]);
  });

  it('int4 of fp8: the first stage’s number is rounded before the second scale', () => {
    const stored: Stored = {
      'a.weight': ['I32', [8, 1], new Uint32Array(8).fill(0x33333333)],
      'a.weight_scale': ['F32', [], f32(0.3)],
      'a.weight_scale_2': ['F32', [8], new Float32Array(8).fill(0.9)],
      'a.weight_zero_point_2': ['I32', [1], Uint32Array.of(0)],
    };
    const perChannel = { ...specs.int8, dtype: 'int4', qscheme: 'per_channel', ch_axis: 0 };
    const [value] = dequantize(settings([specs.fp8, perChannel]), stored, 8, 8);
    const [first, second] = [Math.fround(0.9), Math.fround(0.3)];
    expect(value).toBe(Math.fround(Math.fround(3 * first) * second));
    expect(value).not.toBe(Math.fround(3 * Math.fround(first * second)));
  });
});

describe('names of the quantizer’s module', () => {
  it.each<[string, Stored]>([
    ['one stage', { 'a.weight_quantizer.scale': ['F32', [1], f32(2)] }],
    ['a sequence', { 'a.weight_quantizer.0.scale': ['F32', [], f32(2)] }],
  ])('%s', (_, scale) => {
    const stored: Stored = { 'a.weight': ['F8_E4M3', [1, 2], Uint8Array.of(0x38, 0x40)], ...scale };
    expect(dequantize(settings(specs.fp8), stored, 1, 2)).toEqual([2, 4]);
  });

  it('two stages', () => {
    const stored: Stored = {
      'a.weight': ['U8', [1, 8], new Uint8Array(8).fill(0x22)],
      'a.weight_quantizer.0.scale': ['F8_E4M3', [1, 1], Uint8Array.of(0x40)],
      'a.weight_quantizer.1.scale': ['F32', [1], f32(0.5)],
    };
    expect(dequantize(settings(specs.nvfp4), stored, 1, 16)).toEqual(Array(16).fill(1));
  });
});
