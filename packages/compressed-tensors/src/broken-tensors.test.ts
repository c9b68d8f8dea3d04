import { type DType, type JsonObject, LowbitError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { describeLinear, groupConfig, linear, type Tensors } from './__fixtures__/checkpoint.ts';

const { name } = linear;
type Change = Readonly<Record<string, readonly [DType, readonly number[]] | undefined>>;

/** Tensors of the module by the last part of their names. */
function under(change: Change): Tensors {
  return Object.fromEntries(Object.entries(change).map(([suffix, tensor]) => [`${name}.${suffix}`, tensor]));
}

const w4 = groupConfig({ num_bits: 4, group_size: 32 });
const packed: Change = { weight_packed: ['I32', [8, 8]], weight_scale: ['BF16', [8, 2]], weight_shape: ['I64', [2]] };
const asymmetric = groupConfig({ num_bits: 4, group_size: 32, symmetric: false });
const zeros: Change = { ...packed, weight_zero_point: ['I32', [1, 2]] };
const w8 = groupConfig({ strategy: 'channel' });
const int8: Change = { weight: ['I8', [8, 64]], weight_scale: ['F16', [8, 1]] };
const fp8 = groupConfig({ type: 'float', strategy: 'channel' });
const block = groupConfig({ type: 'float', strategy: 'block', block_structure: [4, 48] });
const nvfp4 = groupConfig({ type: 'float', num_bits: 4, strategy: 'tensor_group', group_size: 16 });
const nibbles: Change = {
  weight_packed: ['U8', [8, 32]],
  weight_scale: ['F8_E4M3', [8, 4]],
  weight_global_scale: ['F32', [1]],
};
const mxfp4 = groupConfig({ type: 'float', num_bits: 4, group_size: 32, scale_dtype: 'uint8' });
const exponents: Change = { weight_packed: ['U8', [8, 32]], weight_scale: ['U8', [8, 2]] };
const w3 = groupConfig({ num_bits: 3, group_size: 32, symmetric: false }, {}, { version: '0.19.0' });
const threeBits: Change = {
  weight_packed: ['I32', [8, 6]],
  weight_scale: ['BF16', [8, 2]],
  weight_shape: ['I64', [2]],
  weight_zero_point: ['I32', [1, 2]],
};

describe('the unbroken ones are described', () => {
  it.each<[string, JsonObject, Change]>([
    ['4-bit', w4, packed],
    ['4-bit, asymmetric', asymmetric, zeros],
    ['3-bit, asymmetric', w3, threeBits],
    ['int8', w8, int8],
    ['fp8', fp8, { weight: ['F8_E4M3', [8, 64]], weight_scale: ['F32', [8, 1]] }],
    ['fp8 in blocks', block, { weight: ['F8_E4M3', [8, 64]], weight_scale: ['F32', [2, 2]] }],
    ['NVFP4', nvfp4, nibbles],
    ['MXFP4', mxfp4, exponents],
  ])('%s', (_, config, tensors) => {
    expect(describeLinear(config, under(tensors)).warnings).toEqual([]);
  });
});

describe('names tensor, expected and found', () => {
  it.each<[string, JsonObject, Change, string]>([
    [
      'no scale',
      w4,
      { ...packed, weight_scale: undefined },
      'weight_scale: expected BF16 or F16 or F32 [8, 2], found no such tensor',
    ],
    [
      'no shape',
      w4,
      { ...packed, weight_shape: undefined },
      'weight_shape: expected I64 or I32 [2], found no such tensor',
    ],
    ['a shape of three', w4, { ...packed, weight_shape: ['I64', [3]] }, 'weight_shape: expected [2], found [3]'],
    [
      'codes of another width',
      w4,
      { ...packed, weight_packed: ['I32', [8, 16]] },
      'weight_packed: expected [8, 8], found [8, 16]',
    ],
    [
      'transposed codes',
      w4,
      { ...packed, weight_packed: ['I32', [8, 8, 1]] },
      'weight_packed: expected [8, 8], found [8, 8, 1]',
    ],
    ['codes in floats', w4, { ...packed, weight_packed: ['F16', [8, 8]] }, 'weight_packed: expected I32, found F16'],
    [
      'scales of another group size',
      w4,
      { ...packed, weight_scale: ['BF16', [8, 4]] },
      'weight_scale: expected [8, 2], found [8, 4]',
    ],
    [
      'scales in integers',
      w4,
      { ...packed, weight_scale: ['I32', [8, 2]] },
      'weight_scale: expected BF16 or F16 or F32, found I32',
    ],
    ['no zero points', asymmetric, packed, 'weight_zero_point: expected I8 [8, 2], found no such tensor'],
    [
      'zero points along the inputs',
      asymmetric,
      { ...packed, weight_zero_point: ['I32', [8, 1]] },
      'weight_zero_point: expected [1, 2], found [8, 1]',
    ],
    [
      'zero points in floats',
      asymmetric,
      { ...packed, weight_zero_point: ['BF16', [8, 2]] },
      'weight_zero_point: expected I8, found BF16',
    ],
    [
      '3-bit zero points of no packing',
      w3,
      { ...threeBits, weight_zero_point: ['I32', [3, 2]] },
      'weight_zero_point: expected [1, 2], found [3, 2]',
    ],
    [
      '3-bit codes of no packing',
      w3,
      { ...threeBits, weight_packed: ['I32', [8, 9]] },
      'weight_packed: expected [8, 6], found [8, 9]',
    ],
    [
      'a group index of another length',
      w4,
      { ...packed, weight_g_idx: ['I32', [32]] },
      'weight_g_idx: expected [64], found [32]',
    ],
    [
      'a group index for one scale per row',
      w8,
      { ...int8, weight_g_idx: ['I32', [64]] },
      'weight_g_idx: expected every tensor to belong to a module',
    ],
    ['int8 in unsigned bytes', w8, { ...int8, weight: ['U8', [8, 64]] }, 'weight: expected I8, found U8'],
    ['int8 where floats are meant', fp8, int8, 'weight: expected F8_E4M3, found I8'],
    ['floats where int8 is meant', w8, { ...int8, weight: ['F8_E4M3', [8, 64]] }, 'weight: expected I8, found F8_E4M3'],
    ['another model', w8, { ...int8, weight: ['I8', [8, 32]] }, 'weight: expected [8, 64], found [8, 32]'],
    [
      'scales of another strategy',
      w8,
      { ...int8, weight_scale: ['F16', [1]] },
      'weight_scale: expected [8, 1], found [1]',
    ],
    [
      'blocks counted without the partial one',
      block,
      { weight: ['F8_E4M3', [8, 64]], weight_scale: ['F32', [2, 1]] },
      'weight_scale: expected [2, 2], found [2, 1]',
    ],
    [
      'no global scale',
      nvfp4,
      { ...nibbles, weight_global_scale: undefined },
      'weight_global_scale: expected F32 [1], found no such tensor',
    ],
    [
      'a global scale per group',
      nvfp4,
      { ...nibbles, weight_global_scale: ['F32', [8, 4]] },
      'weight_global_scale: expected [1], found [8, 4]',
    ],
    ['NVFP4 in words', nvfp4, { ...nibbles, weight_packed: ['I32', [8, 8]] }, 'weight_packed: expected U8, found I32'],
    [
      'NVFP4 with a number per byte',
      nvfp4,
      { ...nibbles, weight_packed: ['U8', [8, 64]] },
      'weight_packed: expected [8, 32], found [8, 64]',
    ],
    [
      'MX scales that are no exponents',
      mxfp4,
      { ...exponents, weight_scale: ['F8_E4M3', [8, 2]] },
      'weight_scale: expected U8 or F8_E8M0, found F8_E4M3',
    ],
    [
      'MX with a global scale',
      mxfp4,
      { ...exponents, weight_global_scale: ['F32', [1]] },
      'weight_global_scale: expected every tensor to belong to a module',
    ],
    [
      '4-bit floats that are not packed',
      mxfp4,
      { weight: ['U8', [8, 64]], weight_scale: ['U8', [8, 2]] },
      'weight_packed: expected U8 [8, 32], found no such tensor',
    ],
    [
      'a scale of inputs that are not quantized',
      w8,
      { ...int8, input_scale: ['F16', [1]] },
      'input_scale: expected every tensor to belong to a module',
    ],
    [
      'a scale of outputs',
      w8,
      { ...int8, output_scale: ['F16', [1]] },
      'output_scale: expected every tensor to belong to a module',
    ],
  ])('%s', (_, config, tensors, message) => {
    const describe = () => describeLinear(config, under(tensors));
    expect(describe).toThrow(expect.toSatisfy(LowbitError.isInstance));
    expect(describe).toThrow(`tensor ${name}.${message}`);
  });

  it('groups that do not divide the input', () => {
    const describe = () => describeLinear(groupConfig({ num_bits: 4, group_size: 48 }), under(packed));
    expect(describe).toThrow(
      `config.json: quantization_config.config_groups.group_0.weights.group_size: expected a divisor of 64, the in features of ${name}, found 48\nThe format has no partial groups: the settings and the model do not belong together.`,
    );
  });

  it.each([
    [4, 63, 2],
    [6, 66, 4],
  ])('%i-bit floats of %i inputs', (bits, inFeatures, multiple) => {
    const config = groupConfig({ type: 'float', num_bits: bits, strategy: 'channel' });
    const describe = () => describeLinear(config, under({ weight_packed: ['U8', [8, 32]] }), { ...linear, inFeatures });
    expect(describe).toThrow(
      `tensor ${name}.weight_packed: expected a multiple of ${multiple} in features, as ${bits}-bit floats are packed, found ${inFeatures} in features`,
    );
  });

  it('a bias that is not there, or not as long', () => {
    const spec = { ...linear, hasBias: true };
    expect(() => describeLinear(w8, under(int8), spec)).toThrow(`tensor ${name}.bias: expected BF16 or F16 or F32 [8]`);
    expect(() => describeLinear(w8, under({ ...int8, bias: ['F16', [4]] }), spec)).toThrow(
      `tensor ${name}.bias: expected [8], found [4]`,
    );
    expect(() => describeLinear(w8, under({ ...int8, bias: ['F16', [8]] }))).toThrow(
      `tensor ${name}.bias: expected every tensor to belong to a module`,
    );
  });
});
