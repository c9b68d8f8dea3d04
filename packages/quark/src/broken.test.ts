import type { JsonObject, LinearSpec } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { parseQuarkConfig } from './quark-config.ts';
import { describeLinear, dynamic, linear, metadata, settings, specs, type Tensors } from './test-support/checkpoint.ts';

const at = 'config.json: quantization_config.';
const weight = `${at}global_quant_config.weight`;

describe('settings that cannot be', () => {
  it.each<[string, JsonObject, string]>([
    [
      'no global settings',
      { ...settings(specs.fp8), global_quant_config: null },
      `${at}global_quant_config: expected the settings of all other layers, found null`,
    ],
    [
      'a list for settings',
      { ...settings(specs.fp8), global_quant_config: [] },
      `${at}global_quant_config: expected an object or null, found []`,
    ],
    [
      'another method',
      { ...settings(specs.fp8), quant_method: 'qork' },
      `${at}quant_method: expected one of quark, fp8, found "qork"`,
    ],
    [
      'another mode',
      settings(specs.fp8, null, { quant_mode: 'lazy' }),
      `${at}quant_mode: expected one of eager_mode, fx_graph_mode, found "lazy"`,
    ],
    [
      'a word for weight',
      settings('fp8'),
      `${weight}: expected a tensor specification, a list of them, or null, found "fp8"`,
    ],
    [
      'a word in a list of stages',
      settings([specs.fp8, 'int4']),
      `${weight}[1]: expected a tensor specification, a list of them, or null, found "int4"`,
    ],
    [
      'no dtype',
      settings({ qscheme: 'per_tensor' }),
      `${weight}.dtype: expected one of int2, int3, int4, uint4, int8, uint8, fp8_e4m3,`,
    ],
    [
      'no granularity',
      settings({ dtype: 'int8' }),
      `${weight}.qscheme: expected one of per_tensor, per_channel, per_group, per_block, found nothing`,
    ],
    [
      'an unknown granularity',
      settings({ ...specs.fp8, qscheme: 'per_row' }),
      `${weight}.qscheme: expected one of per_tensor, per_channel, per_group, per_block, found "per_row"`,
    ],
    [
      'groups without a size',
      settings({ ...specs.uint4, group_size: null }),
      `${weight}.group_size: expected a positive integer, or -1 for the whole axis, found null`,
    ],
    [
      'groups of nothing',
      settings({ ...specs.uint4, group_size: 0 }),
      `${weight}.group_size: expected a positive integer, or -1 for the whole axis, found 0`,
    ],
    [
      'blocks without a size',
      settings({ ...specs.fp8, qscheme: 'per_block' }),
      `${weight}.block_size: expected two positive integers, rows and columns, found nothing`,
    ],
    [
      'blocks of one size',
      settings({ ...specs.fp8, qscheme: 'per_block', block_size: [128] }),
      `${weight}.block_size: expected two positive integers, rows and columns, found [128]`,
    ],
    [
      'an axis in words',
      settings({ ...specs.fp8PerChannel, ch_axis: 'rows' }),
      `${weight}.ch_axis: expected an integer or null, found "rows"`,
    ],
    [
      'half dynamic',
      settings({ ...specs.fp8, is_dynamic: 'sometimes' }),
      `${weight}.is_dynamic: expected true, false or null, found "sometimes"`,
    ],
    [
      'an unknown scale format',
      settings({ ...specs.mxfp4, scale_format: 'e9m0' }),
      `${weight}.scale_format: expected one of e8m0, e4m3, e5m3, float32, found "e9m0"`,
    ],
    [
      'an unknown scale type',
      settings({ ...specs.fp8, scale_type: 'decimal' }),
      `${weight}.scale_type: expected one of float, float32, float16, bfloat16, pof2,`,
    ],
    [
      'an unknown calculation',
      settings({ ...specs.mxfp4, scale_calculation_mode: 'odd' }),
      `${weight}.scale_calculation_mode: expected one of even, floor, ceil, found "odd"`,
    ],
    [
      'an unknown rounding',
      settings({ ...specs.fp8, round_method: 'up' }),
      `${weight}.round_method: expected one of half_even, round, floor, found "up"`,
    ],
    [
      'unknown zero points',
      settings({ ...specs.uint4, zero_point_type: 'int4' }),
      `${weight}.zero_point_type: expected one of int32, float32, found "int4"`,
    ],
    [
      'an unknown packing',
      settings(specs.fp8, null, { export: { pack_method: 'shuffle' } }),
      `${at}export.pack_method: expected one of reorder, order, found "shuffle"`,
    ],
    [
      'an unknown weight format',
      settings(specs.fp8, null, { export: { weight_format: 'zip' } }),
      `${at}export.weight_format: expected one of real_quantized, fake_quantized, found "zip"`,
    ],
    [
      'a word for the skip list',
      settings(specs.fp8, null, { exclude: 'lm_head' }),
      `${at}exclude: expected a list of names or null, found "lm_head"`,
    ],
    [
      'a regular expression that does not compile',
      settings(specs.fp8, null, { exclude: ['x', 're:[a'] }),
      `${at}exclude[1]: expected a pattern that can be read (regular expression "[a"`,
    ],
    [
      'layers as a list',
      settings(specs.fp8, null, { layer_quant_config: [] }),
      `${at}layer_quant_config: expected an object or null, found []`,
    ],
    [
      'a layer as a word',
      settings(specs.fp8, null, { layer_quant_config: { '*q_proj': 'int8' } }),
      `${at}layer_quant_config.*q_proj: expected an object or null, found "int8"`,
    ],
    [
      'an algorithm as a word',
      settings(specs.fp8, null, { algo_config: ['gptq'] }),
      `${at}algo_config[0]: expected an object, found "gptq"`,
    ],
    [
      'SVDQuant',
      settings(specs.fp8, null, { algo_config: { name: 'SVDQuant' } }),
      `${at}algo_config is not supported\n  quark: svdquant adds a low-rank product to each linear (export the model without it)`,
    ],
    [
      'a rotation of inputs',
      settings(specs.fp8, null, { algo_config: [{ name: 'rotation', r4: false, online_r1_rotation: true }] }),
      'quark: rotation turns the input of linears at run time (r4 or online_r1_rotation) (export the model without it)',
    ],
    [
      'fp8 custom mode, another scheme',
      { quant_method: 'fp8', export: {}, activation_scheme: 'magic' },
      `${at}activation_scheme: expected one of static, dynamic, found "magic"`,
    ],
  ])('%s', (_, quantization, message) => {
    expect(() => parseQuarkConfig(metadata(quantization))).toThrow(message);
  });
});

describe('settings that are refused for a layer', () => {
  const scaled: Tensors = { 'a.weight': ['U8', [4, 4]], 'a.weight_scale': ['F32', []] };
  const refusal =
    (quantization: JsonObject, module: LinearSpec = linear(4, 4)) =>
    () =>
      describeLinear(quantization, scaled, module);
  const field = 'quark: quantization_config.global_quant_config';

  it.each<[string, unknown, string]>([
    ['int16', { ...specs.int8, dtype: 'int16' }, 'weights as int16'],
    ['uint2', { ...specs.uint4, dtype: 'uint2' }, 'weights as uint2'],
    ['mx9', { dtype: 'mx9', qscheme: 'per_group', group_size: 16 }, 'weights as mx9'],
    [
      'mx with an element dtype',
      { dtype: 'mx', mx_element_dtype: 'fp4', qscheme: 'per_group', group_size: 32 },
      'weights as mx',
    ],
    ['fp8 e5m3', { ...specs.fp8, dtype: 'fp8_e5m3' }, 'weights as fp8_e5m3'],
    ['dynamic weights', dynamic(specs.fp8), 'weights quantized at run time'],
    [
      'channels of the inputs',
      { ...specs.fp8PerChannel, ch_axis: 1 },
      'scales per channel of axis 1, needs the output features (0)',
    ],
    ['groups of the outputs', { ...specs.uint4, ch_axis: 0 }, 'groups along axis 0, needs the input features (-1)'],
    ['fp4 per tensor', { ...specs.mxfp4, qscheme: 'per_tensor' }, 'fp4 per_tensor, needs per_group'],
    ['int8 in blocks', { ...specs.int8, qscheme: 'per_block', block_size: [2, 2] }, 'int8 per_block'],
    ['int3 per tensor', { ...specs.int8, dtype: 'int3' }, 'int3 per_tensor'],
    ['scales as e5m3', { ...specs.mxfp4, scale_format: 'e5m3' }, 'scales as e5m3'],
  ])('weights: %s', (_, spec, message) => {
    expect(refusal(settings(spec))).toThrow(`${field}.weight: ${message}`);
  });

  it.each<[string, readonly unknown[], string]>([
    ['three', [specs.fp8, specs.fp8, specs.fp8], 'weight[0]: 3 stages of quantization; at most two are read'],
    [
      'scales first',
      [specs.nvfp4[1], specs.nvfp4[0]],
      'weight[0]: a quantization of scales that comes first has no scales to quantize',
    ],
    [
      'integers twice',
      [specs.int8, specs.uint4],
      'weight[0]: int8 below uint4: the first of two stages must be a float',
    ],
    [
      'scales as integers',
      [specs.nvfp4[0], { ...specs.nvfp4[1], dtype: 'int8' }],
      'weight[1]: scales as int8, needs fp8_e4m3 or fp8_e5m2',
    ],
    [
      'scales per channel',
      [specs.nvfp4[0], { ...specs.nvfp4[1], qscheme: 'per_channel' }],
      'weight[1]: scales quantized per_channel, needs per_tensor',
    ],
    ['dynamic scales', [specs.nvfp4[0], dynamic(specs.nvfp4[1])], 'weight[1]: scales quantized at run time'],
  ])('stages: %s', (_, stages, message) => {
    expect(refusal(settings(stages))).toThrow(`${field}.${message}`);
  });

  it.each<[string, unknown, string]>([
    ['int16', { ...specs.int8, dtype: 'int16' }, 'inputs as int16'],
    [
      'neither static nor dynamic',
      { ...specs.fp8, is_dynamic: null },
      'is_dynamic is not set: whether scales are stored is unknown',
    ],
    ['integers that may have zero points', { ...specs.int8, symmetric: null }, 'int8 inputs without symmetric'],
    [
      'zero points as floats',
      { ...specs.int8, symmetric: false, zero_point_type: 'float32' },
      'zero points that are floats',
    ],
    [
      'static per channel',
      { ...specs.fp8PerToken, is_dynamic: false },
      'static inputs per_channel, needs per_tensor (use dynamic inputs)',
    ],
    [
      'static per group',
      { ...specs.mxfp4, scale_format: 'float32' },
      'static inputs per_group, needs per_tensor (use dynamic inputs)',
    ],
    ['blocks', dynamic({ ...specs.fp8, qscheme: 'per_block', block_size: [1, 2] }), 'dynamic inputs per_block'],
    ['per feature', { ...specs.fp8PerToken, ch_axis: -1 }, 'scales per channel of axis -1, needs the tokens (1)'],
    ['groups of tokens', dynamic({ ...specs.mxfp4, ch_axis: 1 }), 'groups along axis 1, needs the features (-1)'],
    [
      'the largest number of the batch',
      dynamic({ ...specs.mxfp4, scale_format: 'e4m3' }),
      'scales as e4m3 of the largest number in the batch',
    ],
    ['scales as e5m3', dynamic({ ...specs.mxfp4, scale_format: 'e5m3' }), 'scales as e5m3'],
    ['integers with powers of two', dynamic({ ...specs.int8, scale_format: 'e8m0' }), 'int8 inputs with e8m0 scales'],
    ['fp4 without a scale format', dynamic({ ...specs.mxfp4, scale_format: null }), 'fp4 inputs without scale_format'],
    ['powers of two by type', { ...specs.fp8PerToken, scale_type: 'power_of_2' }, 'dynamic scales of type pof2'],
  ])('inputs: %s', (_, spec, message) => {
    expect(refusal(settings(specs.fp8, spec))).toThrow(`${field}.input_tensors: ${message}`);
  });

  it.each<[string, readonly unknown[], string]>([
    [
      'two of numbers',
      [dynamic(specs.fp8), dynamic(specs.int8)],
      '[0]: inputs in 2 stages; one is read, and one for its scales',
    ],
    ['static', [specs.fp8, specs.nvfp4[1]], '[1]: stored scales that are quantized again'],
    ['powers of two', [dynamic(specs.mxfp4), specs.nvfp4[1]], '[1]: e8m0 scales that are quantized again'],
    [
      'dynamic scales',
      [dynamic(specs.nvfp4[0]), dynamic(specs.nvfp4[1])],
      '[1]: scales quantized other than static per_tensor',
    ],
    [
      'integer scales',
      [dynamic(specs.nvfp4[0]), { ...specs.nvfp4[1], dtype: 'int8' }],
      '[1]: scales as int8, needs fp8_e4m3 or fp8_e5m2',
    ],
    ['scales first', [specs.nvfp4[1]], '[0]: a quantization of scales that comes first has no scales to quantize'],
  ])('stages of inputs: %s', (_, stages, message) => {
    expect(refusal(settings(specs.fp8, stages))).toThrow(`${field}.input_tensors${message}`);
  });

  it('quantized outputs and biases', () => {
    const layer = { weight: specs.fp8, output_tensors: specs.fp8 };
    expect(refusal({ ...settings(null), global_quant_config: layer })).toThrow(
      `${field}.output_tensors: the output of a is quantized`,
    );
    const biased = { ...settings(null), global_quant_config: { weight: specs.fp8, bias: specs.fp8 } };
    expect(refusal(biased, linear(4, 4, { hasBias: true }))).toThrow(`${field}.bias: a has a quantized bias`);
  });

  it.each([
    ['input_rotation', 'a rotation of its input'],
    ['input_prescale', 'a scale for each feature of its input'],
    ['l1.weight', 'a low-rank product beside it'],
  ])('tensors that change the linear: %s', (suffix, what) => {
    const tensors: Tensors = { ...scaled, [`a.${suffix}`]: ['F32', [4, 4]] };
    expect(() => describeLinear(settings(specs.fp8), tensors, linear(4, 4))).toThrow(
      `quark: a: the file holds a.${suffix}, ${what}`,
    );
  });
});

describe('tensors that do not fit', () => {
  const uint4: Tensors = {
    'a.weight': ['I32', [8, 1]],
    'a.weight_scale': ['BF16', [2, 8]],
    'a.weight_zero_point': ['I32', [2, 1]],
  };
  const nvfp4: Tensors = {
    'a.weight': ['U8', [4, 16]],
    'a.weight_scale': ['F8_E4M3', [4, 2]],
    'a.weight_scale_2': ['F32', []],
  };
  const without = (tensors: Tensors, name: string): Tensors =>
    Object.fromEntries(Object.entries(tensors).filter(([other]) => other !== name));

  it.each<[string, JsonObject, Tensors, LinearSpec, string]>([
    [
      'no scale',
      settings(specs.fp8),
      { 'a.weight': ['F8_E4M3', [2, 3]] },
      linear(2, 3),
      'tensor a.weight_scale: expected BF16 or F16 or F32 [], found no such tensor',
    ],
    [
      'no zero points',
      settings(specs.uint4),
      without(uint4, 'a.weight_zero_point'),
      linear(8, 8),
      'tensor a.weight_zero_point: expected I32 [2, 1], found no such tensor',
    ],
    [
      'scales of another group size',
      settings(specs.uint4),
      { ...uint4, 'a.weight_scale': ['BF16', [4, 8]] },
      linear(8, 8),
      'tensor a.weight_scale: expected [2, 8], found [4, 8]',
    ],
    [
      'zero points of another group size',
      settings(specs.uint4),
      { ...uint4, 'a.weight_zero_point': ['I32', [1, 1]] },
      linear(8, 8),
      'tensor a.weight_zero_point: expected [2, 1], found [1, 1]',
    ],
    [
      'codes that are not transposed',
      settings({ ...specs.uint4, group_size: 8 }),
      { ...uint4, 'a.weight': ['I32', [8, 2]] },
      linear(8, 16),
      'tensor a.weight: expected [16, 1], found [8, 2]',
    ],
    [
      'codes of another dtype',
      settings(specs.fp8),
      { 'a.weight': ['I8', [2, 3]], 'a.weight_scale': ['F32', []] },
      linear(2, 3),
      'tensor a.weight: expected F8_E4M3, found I8',
    ],
    [
      'a scale per row for a tensor',
      settings(specs.fp8),
      { 'a.weight': ['F8_E4M3', [2, 3]], 'a.weight_scale': ['F32', [2]] },
      linear(2, 3),
      'tensor a.weight_scale: expected [1], found [2]',
    ],
    [
      'powers of two as floats',
      settings(specs.mxfp4),
      { 'a.weight': ['U8', [2, 16]], 'a.weight_scale': ['F32', [2, 1]] },
      linear(2, 32),
      'tensor a.weight_scale: expected U8 or F8_E8M0, found F32',
    ],
    [
      'no global scale',
      settings(specs.nvfp4),
      without(nvfp4, 'a.weight_scale_2'),
      linear(4, 32),
      'tensor a.weight_scale_2: expected BF16 or F16 or F32 [], found no such tensor',
    ],
    [
      'no global scale of the inputs',
      settings(specs.nvfp4, [dynamic(specs.nvfp4[0]), specs.nvfp4[1]]),
      nvfp4,
      linear(4, 32),
      'tensor a.input_scale_2: expected BF16 or F16 or F32 [], found no such tensor',
    ],
    [
      'no static scale of the inputs',
      settings(specs.fp8, specs.fp8),
      { 'a.weight': ['F8_E4M3', [2, 3]], 'a.weight_scale': ['F32', []] },
      linear(2, 3),
      'tensor a.input_scale: expected BF16 or F16 or F32 [], found no such tensor',
    ],
    [
      'no zero point of the inputs',
      settings(specs.int8, { ...specs.int8, symmetric: false }),
      { 'a.weight': ['I8', [2, 3]], 'a.weight_scale': ['F32', []], 'a.input_scale': ['F32', []] },
      linear(2, 3),
      'tensor a.input_zero_point: expected I8 [], found no such tensor',
    ],
    [
      'two spellings of a scale',
      settings(specs.fp8),
      { 'a.weight': ['F8_E4M3', [2, 3]], 'a.weight_scale': ['F32', []], 'a.weight_quantizer.scale': ['F32', []] },
      linear(2, 3),
      'tensor a.weight_quantizer.scale: expected every tensor to belong to a module of the model',
    ],
    [
      'a static scale that the settings do not know',
      settings(specs.fp8),
      { 'a.weight': ['F8_E4M3', [2, 3]], 'a.weight_scale': ['F32', []], 'a.input_scale': ['F32', []] },
      linear(2, 3),
      'tensor a.input_scale: expected every tensor to belong to a module of the model',
    ],
    [
      'no bias',
      settings(specs.fp8),
      { 'a.weight': ['F8_E4M3', [2, 3]], 'a.weight_scale': ['F32', []] },
      linear(2, 3, { hasBias: true }),
      'tensor a.bias: expected BF16 or F16 or F32 [2], found no such tensor',
    ],
    [
      'groups that do not divide',
      settings(specs.uint4),
      uint4,
      linear(8, 10),
      `${weight}.group_size: expected a divisor of 10, the in features of a, found 4`,
    ],
    [
      'blocks that do not divide',
      settings({ ...specs.fp8, qscheme: 'per_block', block_size: [2, 4] }),
      { 'a.weight_scale': ['F32', [1, 1]] },
      linear(3, 4),
      `${weight}.block_size: expected a divisor of 3, the out features of a, found [2,4]`,
    ],
    [
      'half a byte',
      settings(specs.mxfp4),
      { 'a.weight_scale': ['U8', [1, 1]] },
      linear(1, 31),
      'tensor a.weight: expected a multiple of 2 in features, as fp4 is packed, found 31 in features\nSuch a module must be left unquantized.',
    ],
    [
      'a part of three bytes',
      settings({ ...specs.mxfp4, dtype: 'fp6_e2m3' }),
      { 'a.weight_scale': ['U8', [1, 2]] },
      linear(1, 34),
      'tensor a.weight: expected a multiple of 4 in features, as fp6_e2m3 is packed, found 34 in features',
    ],
  ])('%s', (_, quantization, tensors, module, message) => {
    expect(() => describeLinear(quantization, tensors, module)).toThrow(message);
  });
});
