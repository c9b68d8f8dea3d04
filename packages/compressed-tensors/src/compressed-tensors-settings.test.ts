import { ConfigError, type JsonObject, RefusedError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { groupConfig, metadata, parse } from './__fixtures__/checkpoint.ts';
import { readSettings } from './compressed-tensors-settings.ts';

const w4: JsonObject = { num_bits: 4, group_size: 32 };
const group = 'config.json: quantization_config.config_groups.group_0';
const top = 'config.json: quantization_config';
const token = { strategy: 'token', dynamic: true };

function warningsOf(more: JsonObject, ofGroup: JsonObject = {}) {
  return parse(groupConfig(w4, ofGroup, more)).warnings;
}

describe('places', () => {
  it.each([['quantization_config'], ['compression_config']])('%s', (field) => {
    const config = { [field]: groupConfig(w4) };
    expect(readSettings({ ...metadata({}), config }).section.path).toBe(field);
  });

  it('text_config', () => {
    const config = { text_config: { quantization_config: groupConfig(w4) } };
    expect(readSettings({ ...metadata({}), config }).section.path).toBe('text_config.quantization_config');
  });

  it('nowhere', () => {
    expect(() => readSettings({ ...metadata({}), config: {} })).toThrow(
      'config.json: quantization_config: expected the settings of a compressed-tensors checkpoint, found nothing',
    );
  });
});

describe('fields that change nothing', () => {
  it.each<[string, JsonObject]>([
    [
      'as 0.20 writes them',
      { moe_sparsity_config: null, sparsity_config: {}, transform_config: {}, version: '0.20.0' },
    ],
    [
      'null',
      {
        ignore: null,
        kv_cache_scheme: null,
        sparsity_config: null,
        transform_config: null,
        global_compression_ratio: null,
        version: null,
      },
    ],
    ['obsolete', { run_compressed: true, global_compression_ratio: 1.8 }],
    ['names of fused modules', { packed_modules_mapping: { qkv_proj: ['q_proj', 'k_proj', 'v_proj'] } }],
    [
      'zeros that are stored like other numbers',
      {
        sparsity_config: {
          format: 'dense',
          targets: ['a'],
          ignore: ['b'],
          global_sparsity: 0.1,
          sparsity_structure: '2:4',
          registry_requires_subclass: false,
        },
      },
    ],
    [
      'rotations that are inside the weights',
      {
        transform_config: {
          config_groups: {
            R1: {
              type: 'hadamard',
              head_dim: null,
              apply: [
                { targets: 'Linear', location: 'weight_input', inverse: true },
                { targets: ['a'], ignore: ['b'], location: 'weight_output' },
              ],
            },
          },
        },
      },
    ],
    ['the method in another spelling', { quant_method: 'COMPRESSED_TENSORS' }],
    ['no method', { quant_method: null }],
    ['a format of no meaning', { format: 'fakequant' }],
  ])('%s', (_, more) => {
    expect(warningsOf(more)).toEqual([]);
  });
});

describe('warns of', () => {
  it.each<[string, JsonObject, JsonObject, string]>([
    ['an unknown field', { turbo: 1 }, {}, `${top}.turbo: unknown field, not read`],
    ['an unknown field of a group', {}, { turbo: 1 }, `${group}.turbo: unknown field, not read`],
    [
      'an unknown field of sparsity',
      { sparsity_config: { a: 1 } },
      {},
      `${top}.sparsity_config.a: unknown field, not read`,
    ],
    [
      'an unknown field of a rotation',
      { transform_config: { config_groups: { R: { type: 'hadamard', apply: [{ location: 'weight_input', a: 1 }] } } } },
      {},
      `${top}.transform_config.config_groups.R.apply[0].a: unknown field, not read`,
    ],
    [
      'groups of different sizes',
      {},
      { input_activations: { group_size: 64, dynamic: true } },
      `${group}.weights.group_size is 32, that of the activations 64`,
    ],
  ])('%s', (_, more, ofGroup, warning) => {
    expect(warningsOf(more, ofGroup)).toEqual([warning]);
  });
});

describe('rejects', () => {
  it.each<[string, JsonObject, string]>([
    [
      'another method',
      { quant_method: 'gptq' },
      `${top}.quant_method: expected one of compressed-tensors, compressed_tensors, found "gptq"`,
    ],
    ['a format of no library', { format: 'zip' }, `${top}.format: expected one of dense, naive-quantized`],
    [
      'a status of no library',
      { quantization_status: 'done' },
      `${top}.quantization_status: expected one of initialized`,
    ],
    ['a version that is no text', { version: 18 }, `${top}.version: expected a string, found 18`],
    ['an ignore list that is none', { ignore: 'lm_head' }, `${top}.ignore: expected a list of names, found "lm_head"`],
    [
      'an expression that does not compile',
      { ignore: ['re:*'] },
      `${top}.ignore: expected regular expressions that can be read, found ["re:*"]`,
    ],
    [
      'a KV cache that is no object',
      { kv_cache_scheme: 'fp8' },
      `${top}.kv_cache_scheme: expected an object or null, found "fp8"`,
    ],
    [
      'a KV cache of seven float bits',
      { kv_cache_scheme: { type: 'float', num_bits: 7 } },
      `${top}.kv_cache_scheme.num_bits: expected 4, 6, 8`,
    ],
    ['groups that are no object', { config_groups: [] }, `${top}.config_groups: expected an object or null, found []`],
    [
      'a group that is none',
      { config_groups: { a: 'W4A16' } },
      `${top}.config_groups.a: expected an object, found "W4A16"`,
    ],
    [
      'a ratio in words',
      { global_compression_ratio: 'high' },
      `${top}.global_compression_ratio: expected a number or null`,
    ],
    [
      'zeros of an unknown form',
      { sparsity_config: { format: 'csr' } },
      `${top}.sparsity_config.format: expected one of dense, sparse-bitmask, sparse-24-bitmask, found "csr"`,
    ],
    [
      'a rotation of an unknown type',
      { transform_config: { config_groups: { R: { type: 'spin' } } } },
      `${top}.transform_config.config_groups.R.type: expected one of hadamard, random-hadamard, random-matrix, found "spin"`,
    ],
    [
      'a rotation nowhere',
      { transform_config: { config_groups: { R: { type: 'hadamard', apply: [{ targets: 'Linear' }] } } } },
      `${top}.transform_config.config_groups.R.apply[0].location: expected one of weight_input, weight_output, input, output, q_attn, k_cache, found nothing`,
    ],
  ])('%s', (_, more, message) => {
    const read = () => parse(groupConfig(w4, {}, more));
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(message);
  });

  it.each<[string, JsonObject, string]>([
    ['no targets', { targets: null }, 'targets: expected a list of names, found null'],
    ['a class as text', { targets: 'Linear' }, 'targets: expected a list of names, found "Linear"'],
    ['mixed-precision', { format: 'mixed-precision' }, 'format: expected one of dense, naive-quantized'],
    [
      'inputs per channel',
      { input_activations: { strategy: 'channel' } },
      'input_activations.strategy: expected one of token, tensor, group, tensor_group, attn_head, the strategies of activations, found "channel"',
    ],
    ['inputs in blocks', { input_activations: { strategy: 'block', block_structure: [2, 2] } }, 'found "block"'],
    [
      'an order of inputs',
      { input_activations: { ...token, actorder: 'weight' } },
      'input_activations.actorder: expected null: activations have no order, found "weight"',
    ],
    [
      'an order of outputs',
      { output_activations: { actorder: 'static' } },
      'output_activations.actorder: expected null: activations have no order, found "static"',
    ],
    [
      'attention with weights',
      { targets: ['LlamaAttention'] },
      'weights: expected null: the targets name attention modules, which have no weight',
    ],
    [
      'attention with outputs',
      { targets: ['model.layers.0.self_attn'], weights: null, input_activations: token, output_activations: {} },
      'output_activations: expected null: the targets name attention modules',
    ],
    [
      'attention without inputs',
      { targets: ['Qwen3Attention'], weights: null },
      'input_activations: expected an object: the targets name attention modules',
    ],
  ])('a group with %s', (_, ofGroup, message) => {
    const read = () => parse(groupConfig(w4, ofGroup));
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(`${group}.`);
    expect(read).toThrow(message);
  });
});

describe('refuses', () => {
  it.each<[string, JsonObject, JsonObject, string]>([
    [
      'outputs',
      {},
      { output_activations: token },
      'quantized outputs are not supported\n  compressed-tensors: the outputs of these modules would have to be quantized (use a checkpoint with output_activations null)',
    ],
    [
      '2:4 for Marlin',
      { format: 'marlin-24' },
      {},
      'marlin-24 checkpoints are not supported\n  compressed-tensors: marlin-24 stores 2:4 sparse weights permuted for the Marlin GPU kernel',
    ],
    ['2:4 in a group', {}, { format: 'sparse-24-bitmask' }, 'sparse-24-bitmask checkpoints are not supported'],
    [
      'bitmasks',
      { sparsity_config: { format: 'sparse-bitmask' } },
      {},
      `${top}.sparsity_config.format: sparse-bitmask checkpoints are not supported\n  compressed-tensors: sparse-bitmask stores weights as bitmask and non-zero values (save the model again without sparse compression)`,
    ],
    [
      'FP8 linears of another method',
      { linear_fp8_config: { quant_method: 'fp8' } },
      {},
      `${top}.linear_fp8_config is not supported`,
    ],
    [
      'pruned experts',
      { moe_sparsity_config: { method: 'prune' } },
      {},
      `${top}.moe_sparsity_config is not supported\n  compressed-tensors: experts that were pruned or replaced`,
    ],
    [
      'rotations at run time',
      {
        transform_config: {
          config_groups: {
            R3: {
              type: 'random-hadamard',
              apply: [
                { targets: ['a'], location: 'k_cache' },
                { targets: ['a'], location: 'weight_input' },
              ],
            },
          },
        },
      },
      {},
      `${top}.transform_config: rotations while the model runs are not supported\n  compressed-tensors: R3: random-hadamard at k_cache (only weight_input and weight_output, which are inside the stored weights, need nothing)`,
    ],
  ])('%s', (_, more, ofGroup, message) => {
    const read = () => parse(groupConfig(w4, ofGroup, more));
    expect(read).toThrow(RefusedError);
    expect(read).toThrow(message);
  });
});

describe('what is told of a checkpoint', () => {
  it('settings', () => {
    const config = groupConfig(
      w4,
      {},
      {
        format: 'pack-quantized',
        ignore: ['lm_head', 're:a'],
        version: '0.9.4',
        quantization_status: 'compressed',
        kv_cache_scheme: { type: 'float' },
      },
    );
    expect(parse(config).settings).toEqual({
      format: 'pack-quantized',
      group_0: 'w4a16: Linear',
      ignore: 'lm_head, re:a',
      kvCache: 'float8 per tensor',
      status: 'compressed',
      version: '0.9.4',
    });
  });

  const fp8 = { type: 'float', strategy: 'channel' };
  it.each<[JsonObject, JsonObject, readonly string[]]>([
    [{ strategy: 'channel' }, token, ['w8a8_int8']],
    [fp8, { type: 'float', ...token }, ['w8a8_fp8']],
    [fp8, { type: 'float' }, []],
    [fp8, token, []],
    [{ strategy: 'tensor' }, token, []],
    [{ num_bits: 4, group_size: 32 }, token, []],
    [{ strategy: 'channel' }, { ...token, symmetric: false }, []],
  ])('other names: weights %j, inputs %j: %j', (weights, input_activations, aliases) => {
    expect(parse(groupConfig(weights, { input_activations })).aliases).toEqual(aliases);
  });

  it('no other name where modules differ', () => {
    const int8 = { targets: ['Linear'], weights: { strategy: 'channel' }, input_activations: token };
    expect(parse({ config_groups: { a: int8, b: { targets: ['lm_head'], weights: w4 } } }).aliases).toEqual([]);
    expect(parse({ config_groups: {} }).aliases).toEqual([]);
  });
});
