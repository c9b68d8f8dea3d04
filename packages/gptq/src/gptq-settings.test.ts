import { ConfigError, type JsonObject, LowbitError, RefusedError } from '@lowbit/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointOf, tensorsOfA, usual } from './__fixtures__/made-up-checkpoint.ts';
import { readSettings } from './gptq-settings.ts';
import { knownFields } from './known-fields.ts';
import { usesActOrder } from './weight-settings.ts';

function read(settings: JsonObject | undefined, sideFiles: Readonly<Record<string, JsonObject>> = {}) {
  const { weights, ...rest } = readSettings(checkpointOf(settings, {}, sideFiles));
  const { bits, groupSize } = weights;
  return { ...weights, ...rest, bits: bits.value, groupSize: groupSize.value, actOrder: usesActOrder(weights) };
}

function without(key: keyof typeof usual): JsonObject {
  const { [key]: _, ...rest } = usual;
  return rest;
}

const autoRound = { ...without('desc_act'), quant_method: 'auto-round' };

describe('spellings', () => {
  it.each<[string, JsonObject]>([
    ['the usual', usual],
    ['wbits', { ...without('bits'), wbits: 4 }],
    ['w_bit, q_group_size', { quant_method: 'gptq', w_bit: 4, q_group_size: 4, desc_act: false }],
    ['method', { ...without('quant_method'), method: 'GPTQ' }],
    ['format', { ...usual, format: 'gptq' }],
    ['checkpoint_format', { ...usual, checkpoint_format: 'gptq', is_marlin_format: false }],
    ['null for absent', { ...usual, dynamic: null, checkpoint_format: null, adapter: null, turbo: null }],
    ['all of them, agreeing', { ...usual, wbits: 4, format: 'gptq', checkpoint_format: 'GPTQ', pack_dtype: 'int32' }],
    ['AutoRound', autoRound],
    ['older AutoRound', { ...autoRound, quant_method: 'intel/auto-round', backend: 'auto_round:gptq:exllamav2' }],
  ])('%s', (_, settings) => {
    expect(read(settings)).toMatchObject({
      format: 'gptq',
      bits: 4,
      groupSize: 4,
      actOrder: false,
      rules: [],
      warnings: [],
    });
  });

  it('keeps group size, order, symmetry, what is quantized', () => {
    expect(read({ ...usual, group_size: 128, desc_act: true, sym: false, lm_head: true })).toMatchObject({
      groupSize: 128,
      actOrder: true,
      symmetric: false,
      quantizedHead: true,
    });
    expect(read({ ...usual, modules_in_block_to_quantize: [['self_attn.q_proj'], ['mlp.up_proj']] })).toMatchObject({
      modulesInBlock: ['self_attn.q_proj', 'mlp.up_proj'],
    });
  });

  it('one group has no order', () => {
    expect(read({ ...usual, group_size: -1, desc_act: true }).actOrder).toBe(false);
  });

  it('desc_act may be absent where there is an index', () => {
    expect(readSettings(checkpointOf(without('desc_act'), tensorsOfA)).weights.descAct).toBe(false);
  });

  it.each(['quantize_config.json', 'quant_config.json', 'quantization_config.json'])('%s alone', (file) => {
    expect(read(undefined, { [file]: without('quant_method') })).toMatchObject({ bits: 4, groupSize: 4 });
  });

  it('a file completes config.json', () => {
    expect(read({ quant_method: 'gptq' }, { 'quantize_config.json': usual }).groupSize).toBe(4);
  });
});

describe('formats', () => {
  it.each<[string, JsonObject, string]>([
    ['checkpoint_format', { ...usual, checkpoint_format: 'gptq_v2' }, 'gptq_v2'],
    ['format', { ...usual, format: 'gptq_v2' }, 'gptq_v2'],
    ['AutoRound', { ...autoRound, packing_format: 'auto_round:auto_gptq' }, 'gptq'],
    ['AutoRound', { ...autoRound, packing_format: 'auto_round:gptq' }, 'gptq'],
    ['AutoRound', { ...autoRound, packing_format: 'auto' }, 'gptq'],
    ['AutoRound', { ...autoRound, packing_format: 'auto_round:gptqmodel' }, 'gptq_v2'],
    ['AutoRound', { ...autoRound, packing_format: 'auto_round' }, 'gptq_v2'],
    ['AutoRound, with a kernel', { ...autoRound, backend: 'auto_round:exllamav2' }, 'gptq_v2'],
    ['a kernel of another tool', { ...usual, backend: 'auto_trainable' }, 'gptq'],
  ])('%s', (_, settings, format) => {
    expect(read(settings)).toMatchObject({ format, warnings: [] });
  });

  const marlin =
    'the file holds weights already permuted for the Marlin GPU kernel: tiles of 16 x 16, symmetric, no qzeros (use the gptq export of the same model)';

  it.each<[JsonObject, string, string]>([
    [{ checkpoint_format: 'marlin' }, 'checkpoint_format', marlin],
    [{ is_marlin_format: true }, 'is_marlin_format', marlin],
    [{ quant_method: 'marlin' }, 'quant_method', marlin],
    [
      { checkpoint_format: 'marlin_24' },
      'checkpoint_format',
      '2:4 sparse weights already permuted for the Marlin GPU kernel',
    ],
    [{ format: 'bitblas' }, 'format', 'the file holds weights in the layout of a compiled BitBLAS kernel'],
    [{ quant_method: 'bitblas' }, 'quant_method', 'BitBLAS'],
    [{ is_bitblas_format: true }, 'is_bitblas_format', 'BitBLAS'],
    [
      { checkpoint_format: 'gptq_p' },
      'checkpoint_format',
      "GPTQModel's planar layout: codes are split into planes of bits, 32 codes at a time (save the model with format gptq or gptq_v2)",
    ],
    [{ pack_dtype: 'int64' }, 'pack_dtype', 'codes packed into words of another size than 32 bits'],
    [
      { ...autoRound, packing_format: 'auto_round:auto_awq' },
      'packing_format',
      "AutoRound saved this in AWQ's layout: words packed along output features and interleaved",
    ],
    [
      { ...autoRound, packing_format: 'auto_round:llm_compressor' },
      'packing_format',
      "no layout of GPTQ's; known are auto_round:auto_gptq, auto_round:gptq, auto_round:gptqmodel and auto_round",
    ],
    [{ ...autoRound, packing_format: 'auto_round:fp8_static' }, 'packing_format', "no layout of GPTQ's"],
  ])('refuses %j by name', (more, field, reason) => {
    const parse = () => read({ ...usual, ...more });
    expect(parse).toThrow(RefusedError);
    expect(parse).toThrow(`config.json: quantization_config.${field}: this layout is not supported`);
    expect(parse).toThrow(reason);
  });

  it('refuses a layout before it misses a field', () => {
    expect(() => read({ quant_method: 'marlin', group_size: 128 })).toThrow('Marlin GPU kernel');
  });
});

describe('refuses', () => {
  it.each<[JsonObject, string]>([
    [
      { bits: 5 },
      "quantization_config.bits: 5-bit weights are not supported\n  gptq: 5, 6 and 7 bits exist only in GPTQModel's planar layout (gptq_p) (use 2, 3, 4 or 8 bits)",
    ],
    [{ adapter: { name: 'lora' } }, 'quantization_config.adapter: not supported\n  gptq: low-rank adapters'],
    [{ rotation: 'hadamard' }, 'quantization_config.rotation: not supported\n  gptq: rotated weights'],
    [{ static_kv_dtype: 'fp8' }, 'quantization_config.static_kv_dtype: not supported\n  gptq: a quantized KV cache'],
    [
      { data_type: 'mx_fp' },
      'quantization_config.data_type: mx_fp is not supported\n  gptq: weights must be integers: data_type int',
    ],
    [
      { act_bits: 8 },
      'quantization_config.act_bits: 8 is not supported\n  gptq: activations must be left as they are: act_bits 16',
    ],
    [
      { dynamic: { '.*down_proj': { bits: 6 } } },
      'quantization_config.dynamic[".*down_proj"].bits: 6-bit weights are not supported',
    ],
    [
      { extra_config: { a: { bits: 8, data_type: 'mx_fp' } } },
      'quantization_config.extra_config["a"].data_type: mx_fp is not supported',
    ],
  ])('%j', (more, message) => {
    const parse = () => read({ ...usual, ...more });
    expect(parse).toThrow(RefusedError);
    expect(parse).toThrow(message);
  });

  it('not what is switched off', () => {
    expect(read({ ...usual, adapter: {}, rotation: false, act_bits: 16, data_type: 'int' }).warnings).toEqual([]);
  });
});

describe('any settings', () => {
  it('parse or are an error of ours', () => {
    const value = fc.oneof(fc.constantFrom(4, 8, 128, -1, 'gptq', 'gptq_v2', true, false, null), fc.jsonValue());
    const settings = fc.dictionary(fc.constantFrom(...knownFields), value as fc.Arbitrary<unknown>);
    fc.assert(
      fc.property(settings, (more) => {
        try {
          read({ ...usual, ...more });
        } catch (error) {
          expect(LowbitError.isInstance(error), String(error)).toBe(true);
        }
      }),
    );
  });

  it('unknown fields are named, wherever they stand', () => {
    expect(
      read(
        { ...usual, turbo: 1, dynamic: { lm_head$: { bits: 8, turbo: 2 } } },
        { 'quantize_config.json': { nitro: 3 } },
      ).warnings,
    ).toEqual([
      'config.json: quantization_config.dynamic["lm_head$"].turbo: unknown field, not read',
      'config.json: quantization_config.turbo: unknown field, not read',
      'quantize_config.json: nitro: unknown field, not read',
    ]);
  });

  it('a wrong value is an error of settings', () => {
    expect(() => read({ ...usual, bits: '4' })).toThrow(ConfigError);
  });
});
