import type { JsonObject, LinearSpec } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { describe, expect, it } from 'vitest';
import {
  describeEmbedding,
  describeLinear,
  groupConfig,
  linear,
  reader,
  type Tensors,
} from '../__fixtures__/checkpoint.ts';

const a: LinearSpec = { ...linear, name: 'a', outFeatures: 2, inFeatures: 8 };

function weightOf(weights: JsonObject, tensors: Tensors, data: Readonly<Record<string, ArrayBufferView>>, spec = a) {
  const { weight } = describeLinear(groupConfig(weights), tensors, spec).description;
  return [...dequantizeWeight(weight, reader(data))];
}

const rounded = (values: readonly number[]) => values.map((value) => Math.round(value * 1e7) / 1e7);

describe('worked examples of the format', () => {
  it('asymmetric 4-bit, zero points packed along the outputs', () => {
    const values = weightOf(
      { num_bits: 4, group_size: 4, symmetric: false },
      {
        'a.weight_packed': ['I32', [2, 1]],
        'a.weight_scale': ['F32', [2, 2]],
        'a.weight_shape': ['I64', [2]],
        'a.weight_zero_point': ['I32', [1, 2]],
      },
      {
        weight_packed: Uint32Array.of(0x08f558f0, 0x6fc0c80f),
        weight_scale: Float32Array.of(0.1, 0.06, 0.2, 0.25),
        weight_zero_point: Uint32Array.of(0x55, 0xc3),
      },
    );
    const expected = [-0.5, 1, 0.3, 0, 0.12, 0.72, 0.3, -0.18, 2, -1, 0.6, 1.4, -3, 0, 0.75, -1.5];
    expect(rounded(values)).toEqual(expected);
  });

  it('the same with zero points that old files do not pack', () => {
    const values = weightOf(
      { num_bits: 4, group_size: 4, symmetric: false },
      {
        'a.weight_packed': ['I32', [2, 1]],
        'a.weight_scale': ['F32', [2, 2]],
        'a.weight_shape': ['I32', [2]],
        'a.weight_zero_point': ['I8', [2, 2]],
      },
      {
        weight_packed: Uint32Array.of(0x08f558f0, 0x6fc0c80f),
        weight_scale: Float32Array.of(0.1, 0.06, 0.2, 0.25),
        weight_zero_point: Int8Array.of(-3, -5, -3, 4),
      },
    );
    expect(rounded(values).slice(0, 4)).toEqual([-0.5, 1, 0.3, 0]);
  });

  const grouped: Tensors = {
    'a.weight': ['I8', [1, 8]],
    'a.weight_scale': ['F32', [1, 2]],
    'a.weight_g_idx': ['I32', [8]],
  };
  const groupedData = {
    weight: Int8Array.of(4, 2, -4, 2, -6, 6, 1, -1),
    weight_scale: Float32Array.of(0.5, 0.25),
    weight_g_idx: Int32Array.of(1, 0, 0, 1, 1, 0, 1, 0),
  };
  const meant = [1, 1, -2, 0.5, -1.5, 3, 0.25, -0.5];

  it('groups in another order', () => {
    const weights = { num_bits: 4, group_size: 4, actorder: 'group' };
    expect(weightOf(weights, grouped, groupedData, { ...a, outFeatures: 1 })).toEqual(meant);
  });

  it('a group index counts where the config has lost its actorder', () => {
    const weights = { num_bits: 4, group_size: 4 };
    expect(weightOf(weights, grouped, groupedData, { ...a, outFeatures: 1 })).toEqual(meant);
    expect(() =>
      describeLinear(
        groupConfig({ ...weights, actorder: 'group' }),
        { ...grouped, 'a.weight_g_idx': undefined },
        { ...a, outFeatures: 1 },
      ),
    ).toThrow('tensor a.weight_g_idx: expected I32 [8], found no such tensor');
  });

  it('FP8 per channel', () => {
    const values = weightOf(
      { type: 'float', strategy: 'channel' },
      { 'a.weight': ['F8_E4M3', [2, 4]], 'a.weight_scale': ['F32', [2, 1]] },
      {
        weight: Uint8Array.of(0x76, 0xfe, 0x6e, 0x4d, 0x76, 0x7e, 0xcd, 0x68),
        weight_scale: Float32Array.of(0.003125, 0.015625),
      },
      { ...a, inFeatures: 4 },
    );
    expect(rounded(values)).toEqual([0.7, -1.4, 0.35, 0.0203125, 3.5, 7, -0.1015625, 1]);
  });

  it('FP8 in blocks, the last ones partial', () => {
    // 2 4 3 / 8 10 6 / 3.5 4 2.25 in e4m3.
    const values = weightOf(
      { type: 'float', strategy: 'block', block_structure: [2, 2] },
      { 'a.weight': ['F8_E4M3', [3, 3]], 'a.weight_scale': ['F32', [2, 2]] },
      {
        weight: Uint8Array.of(0x40, 0x48, 0x44, 0x50, 0x52, 0x4c, 0x46, 0x48, 0x41),
        weight_scale: Float32Array.of(0.5, 1, 2, 4),
      },
      { ...a, outFeatures: 3, inFeatures: 3 },
    );
    expect(values).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('NVFP4: the global scale divides', () => {
    const codes = [0x92, 0x07, 0x0b, 0xc2, 0xe6, 0xf6, 0x80, 0x42, 0xd7, 0xa4, 0x91, 0x30, 0xe6, 0xc5, 0xe6, 0xa4];
    const first = [1, -0.5, 6, 0, -1.5, 0, 1, -2, 4, -4, 4, -6, 0, -0, 1, 2];
    const second = [6, -3, 2, -1, 0.5, -0.5, 0, 1.5, 4, -4, 3, -2, 4, -4, 2, -1];
    const values = weightOf(
      { type: 'float', num_bits: 4, strategy: 'tensor_group', group_size: 16 },
      {
        'a.weight_packed': ['U8', [1, 16]],
        'a.weight_scale': ['F8_E4M3', [1, 2]],
        'a.weight_global_scale': ['F32', []],
      },
      {
        weight_packed: Uint8Array.from(codes),
        weight_scale: Uint8Array.of(0x7e, 0x6e),
        weight_global_scale: Float32Array.of(1024),
      },
      { ...a, outFeatures: 1, inFeatures: 32 },
    );
    expect(values).toEqual([...first.map((value) => value * 0.4375), ...second.map((value) => value * 0.109375)]);
  });

  it.each(['U8', 'F8_E8M0'] as const)('MXFP4: scales are exponents, in %s', (dtype) => {
    const bytes = new Uint8Array(32);
    bytes.set([0xb6, 0x01, 0x38, 0xd5], 0);
    bytes.set([0xb2, 0xd4, 0x01, 0x68], 16);
    const values = weightOf(
      { type: 'float', num_bits: 4, group_size: 32, scale_dtype: 'torch.uint8' },
      { 'a.weight_packed': ['U8', [1, 32]], 'a.weight_scale': [dtype, [1, 2]] },
      { weight_packed: bytes, weight_scale: Uint8Array.of(0x80, 0x7c) },
      { ...a, outFeatures: 1, inFeatures: 64 },
    );
    expect(values.slice(0, 8)).toEqual([8, -3, 1, 0, -0, 3, 6, -6]);
    expect(values.slice(32, 40)).toEqual([0.125, -0.1875, 0.25, -0.375, 0.0625, 0, -0, 0.5]);
  });

  it('MXFP8', () => {
    const codes = new Uint8Array(32);
    codes.set([0x76, 0xee, 0x60, 0x58, 0xd2, 0x6a, 0x72, 0xf5]);
    const values = weightOf(
      { type: 'float', num_bits: 8, group_size: 32, scale_dtype: 'torch.uint8' },
      { 'a.weight': ['F8_E4M3', [1, 32]], 'a.weight_scale': ['U8', [1, 1]] },
      { weight: codes, weight_scale: Uint8Array.of(0x7a) },
      { ...a, outFeatures: 1, inFeatures: 32 },
    );
    expect(values.slice(0, 8)).toEqual([7, -3.5, 1, 0.5, -0.3125, 2.5, 5, -6.5]);
  });
});

describe('spellings of shapes', () => {
  it.each<[JsonObject, readonly number[]]>([
    [{ type: 'float' }, [1]],
    [{ type: 'float' }, []],
    [{ type: 'float', strategy: 'channel' }, [2, 1]],
    [{ type: 'float', strategy: 'channel' }, [2]],
    [{ type: 'float', group_size: 8 }, [2, 1]],
    [{ type: 'float', group_size: 8 }, [2]],
  ])('%j with scales %j', (weights, shape) => {
    const values = weightOf(
      weights,
      { 'a.weight': ['F8_E4M3', [2, 8]], 'a.weight_scale': ['F32', shape] },
      { weight: new Uint8Array(16).fill(0x38), weight_scale: new Float32Array(shape[0] ?? 1).fill(0.5) },
    );
    expect(values).toEqual(Array(16).fill(0.5));
  });

  it('zero points that a symmetric file stores count too', () => {
    const tensors: Tensors = {
      'a.weight': ['I8', [2, 8]],
      'a.weight_scale': ['BF16', [2, 1]],
      'a.weight_zero_point': ['I8', [2, 1]],
    };
    const data = {
      weight: new Int8Array(16).fill(3),
      weight_scale: new Uint16Array(2).fill(0x3f80),
      weight_zero_point: Int8Array.of(1, 0),
    };
    expect(weightOf({ strategy: 'channel' }, tensors, data)).toEqual([...Array(8).fill(2), ...Array(8).fill(3)]);
  });
});

describe('embeddings', () => {
  const spec = { kind: 'embedding', name: 'e', vocabSize: 4, hiddenSize: 8 } as const;

  it('are described as tables of rows', () => {
    const config = groupConfig({ strategy: 'channel' }, { targets: ['Embedding'] });
    const description = describeEmbedding(
      config,
      { 'e.weight_packed': ['I32', [4, 2]], 'e.weight_scale': ['F16', [4, 1]], 'e.weight_shape': ['I64', [2]] },
      spec,
    );
    expect(description).toMatchObject({
      kind: 'embedding',
      scheme: 'w8a16',
      weight: { outFeatures: 4, inFeatures: 8, codes: { type: 'i8' }, scales: [{ block: [1, 8], type: 'f16' }] },
    });
  });
});
