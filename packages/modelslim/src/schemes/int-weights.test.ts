import { describe, expect, it } from 'vitest';
import { dequantize, describeLinear, linearSpec, type TestTensors, tensor } from '../test-support/checkpoint.ts';

const floats = (...values: readonly number[]) => Float32Array.from(values);

function moduleOf(
  type: string,
  shape: readonly number[],
  codes: readonly number[],
  scales: readonly number[],
  offsets: readonly number[] = scales.map(() => 0),
): TestTensors {
  const table = [2, scales.length / 2];
  return {
    'a.weight': tensor('I8', shape, type, Int8Array.from(codes)),
    'a.weight_scale': tensor('F32', table, type, Float32Array.from(scales)),
    'a.weight_offset': tensor('F32', table, type, Float32Array.from(offsets)),
  };
}

function valuesOf(tensors: TestTensors, inFeatures: number, fields = {}) {
  return dequantize(describeLinear(linearSpec('a', 2, inFeatures), tensors, fields).weight, tensors);
}

describe('int8', () => {
  it('per channel: the library’s worked example', () => {
    const tensors = moduleOf(
      'W8A8_DYNAMIC',
      [2, 4],
      [64, -127, 32, 95, 32, 64, -95, 127],
      [Math.fround(1 / 127), Math.fround(0.4 / 127)],
    );
    const { weight, activations } = describeLinear(linearSpec('a', 2, 4), tensors);
    const [first, second, third, fourth] = dequantize(weight, tensors);
    expect(first).toBeCloseTo(0.503937, 6);
    expect(second).toBe(-1);
    expect(third).toBeCloseTo(0.2519685, 7);
    expect(fourth).toBeCloseTo(0.7480315, 7);
    expect(activations).toEqual({
      type: 'i8',
      granularity: { kind: 'token' },
      scale: { kind: 'dynamic', symmetric: true, divisor: 127 },
      rounding: 'half-even',
    });
  });

  it('asymmetric: the offset is subtracted', () => {
    const codes = [-128, -96, -64, 32, 0, 0, 0, 0];
    const scale = Math.fround(4 / 255);
    const tensors = moduleOf('W8A16', [2, 4], codes, [scale, 1], [-64, 2]);
    const expected = [-64, -32, 0, 96].map((difference) => Math.fround(difference * scale));
    expect(valuesOf(tensors, 4)).toEqual([...expected, -2, -2, -2, -2]);
    expect(describeLinear(linearSpec('a', 2, 4), tensors).activations).toBeUndefined();
  });

  it.each([{ group_size: 2 }, { group_size: 0 }, {}])('per group, group_size %j', (fields) => {
    const tensors = moduleOf('W8A16', [2, 4], [1, 2, 3, 4, 1, 2, 3, 4], [1, 10, 2, 20], [0, 1, 0, 1]);
    expect(valuesOf(tensors, 4, fields)).toEqual([1, 2, 20, 30, 2, 4, 40, 60]);
  });

  it('groups of a stated size may end early', () => {
    const tensors = moduleOf('W8A8_DYNAMIC', [2, 3], [1, 1, 1, 1, 1, 1], [1, 10, 2, 20]);
    expect(valuesOf(tensors, 3, { group_size: 2 })).toEqual([1, 1, 10, 2, 2, 20]);
  });

  it('one group is one scale per channel', () => {
    const tensors = moduleOf('W8A8_DYNAMIC', [2, 3], [1, 1, 1, 1, 1, 1], [1, 2]);
    expect(valuesOf(tensors, 3, { group_size: 256 })).toEqual([1, 1, 1, 2, 2, 2]);
  });

  it('symmetric types may leave the offsets out, weight-only ones may not', () => {
    const { 'a.weight_offset': offset, ...rest } = moduleOf('W8A8_DYNAMIC', [2, 1], [3, 4], [1, 2]);
    expect(offset).toBeDefined();
    expect(valuesOf(rest, 1)).toEqual([3, 8]);
    const { 'a.weight_offset': _, ...weightOnly } = moduleOf('W8A16', [2, 1], [3, 4], [1, 2]);
    expect(() => valuesOf(weightOnly, 1)).toThrow(
      'tensor a.weight_offset: expected F32 or F16 or BF16 [2, 1], found no such tensor',
    );
  });
});

describe('int4', () => {
  const values = [1, -8, 7, 0, -1, 3, -5, 2];
  it.each<[string, readonly number[], readonly number[]]>([
    ['a code per byte', [2, 4], values],
    ['pairs along in', [2, 2], [0x81 - 256, 0x07, 0x3f, 0x2b]],
    ['pairs along out', [1, 4], [0xf1 - 256, 0x38, 0xb7 - 256, 0x20]],
  ])('W4A16, %s', (_, shape, codes) => {
    expect(valuesOf(moduleOf('W4A16', shape, codes, [1, 2], [0, 1]), 4)).toEqual([1, -8, 7, 0, -4, 4, -12, 2]);
  });

  it('W4A4_DYNAMIC: the library’s worked example', () => {
    const scales = floats(0.1, 0.2);
    const tensors = moduleOf('W4A4_DYNAMIC', [2, 4], [7, -4, 1, -7, 7, 1, -3, 2], [...scales]);
    const expected = [7, -4, 1, -7].map((code) => Math.fround(code * scales[0]!));
    expect(valuesOf(tensors, 4).slice(0, 4)).toEqual(expected);
    expect(describeLinear(linearSpec('a', 2, 4), tensors).activations).toMatchObject({
      type: 'i4',
      scale: { divisor: 7 },
    });
  });
});

it('WFP8AFP8_DYNAMIC and its other name', () => {
  for (const type of ['WFP8AFP8_DYNAMIC', 'W8A8FP8_DYNAMIC']) {
    const tensors = {
      'a.weight': tensor('F8_E4M3', [2, 2], type, Uint8Array.of(0x38, 0xc0, 0x7e, 0x01)),
      'a.weight_scale': tensor('F32', [2, 1], type, floats(2, 1)),
      'a.weight_offset': tensor('F32', [2, 1], type, floats(0, 0)),
    };
    const { weight, activations } = describeLinear(linearSpec('a', 2, 2), tensors);
    expect(dequantize(weight, tensors)).toEqual([2, -4, 448, 2 ** -9]);
    expect(activations).toMatchObject({ type: 'f8e4m3', granularity: { kind: 'token' }, scale: { divisor: 448 } });
  }
});
