import { createTensorLedger, type DType, type JsonObject } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { groupConfig, metadata, parse, type Tensors } from './__fixtures__/checkpoint.ts';

const w8: JsonObject = { strategy: 'channel' };
const kv_cache_scheme: JsonObject = { type: 'float', num_bits: 8, strategy: 'tensor' };
const attention = 'model.layers.0.self_attn';
const spec = { kind: 'kvCache', name: attention, numKvHeads: 2, headSize: 8 } as const;
const notApplied = 'the KV cache is kept as it is computed, quantizing it is not supported yet';

function scales(dtype: DType, shape: readonly number[]): Tensors {
  return { [`${attention}.k_scale`]: [dtype, shape], [`${attention}.v_scale`]: [dtype, shape] };
}

function leftAside(config: JsonObject, tensors: Tensors): readonly string[] {
  const rules = parse(config, tensors).unused ?? [];
  return [...createTensorLedger(metadata(config, tensors).tensors).settle(rules).keys()];
}

describe('kvCacheScheme', () => {
  it('absent', () => {
    expect(parse(groupConfig(w8)).kvCacheScheme(spec)).toEqual({
      kind: 'unquantized',
      rule: 'quantization_config.kv_cache_scheme is absent',
    });
  });

  it('is not applied, and says so', () => {
    const config = groupConfig(w8, {}, { kv_cache_scheme });
    expect(parse(config, scales('BF16', [1])).kvCacheScheme(spec)).toEqual({
      kind: 'unquantized',
      rule: 'quantization_config.kv_cache_scheme is not applied',
      warnings: [
        `config.json: quantization_config.kv_cache_scheme: ${notApplied}; the checkpoint's scales are left aside`,
      ],
    });
  });

  it.each(['LlamaAttention', attention, 're:.*self_attn$'])('a group for attention: %s', (target) => {
    const group = { targets: [target], weights: null, input_activations: { type: 'float' } };
    const config = { config_groups: { linears: { targets: ['Linear'], weights: w8 }, attention: group } };
    expect(parse(config).kvCacheScheme(spec)).toMatchObject({
      rule: 'quantization_config.config_groups.attention is not applied',
      warnings: [expect.stringContaining(notApplied)],
    });
    const tensors = { ...scales('F32', [2, 1, 1]), [`${attention}.q_scale`]: ['F32', [4, 1, 1]] } satisfies Tensors;
    expect(leftAside(config, tensors)).toEqual(Object.keys(tensors));
  });

  it('an expression that also matches projections does not mean attention', () => {
    const config = groupConfig(w8, { targets: ['re:.*self_attn.*'] });
    expect(parse(config).kvCacheScheme(spec)).toMatchObject({
      rule: 'quantization_config.kv_cache_scheme is absent',
    });
  });

  it('an expression that means attention, with weights', () => {
    const config = groupConfig(w8, { targets: ['re:.*self_attn$'] });
    expect(() => parse(config).kvCacheScheme(spec)).toThrow(
      'config_groups.group_0.weights: expected null: the targets name attention modules, which have no weight',
    );
  });

  it('values with a scale and keys without', () => {
    const config = groupConfig(w8, {}, { kv_cache_scheme });
    expect(() => parse(config, { [`${attention}.v_scale`]: ['F32', [1]] }).kvCacheScheme(spec)).toThrow(
      `tensor ${attention}.k_scale: expected a scale of the keys beside ${attention}.v_scale, found no such tensor`,
    );
  });
});

describe('scales that are left aside', () => {
  const config = groupConfig(w8, {}, { kv_cache_scheme });

  it.each([
    `${attention}.k_scale`,
    `${attention}.v_scale`,
    `${attention}.q_scale`,
    `${attention}.kv_scale`,
    `${attention}.k_proj.output_scale`,
    `${attention}.v_proj.output_scale`,
    `${attention}.k_proj.k_scale`,
    `${attention}.v_proj.v_scale`,
    `${attention}.k_zero_point`,
  ])('%s', (tensor) => {
    expect(leftAside(config, { [tensor]: ['F32', [1]] })).toEqual([tensor]);
  });

  it.each<[string, DType, readonly number[]]>([
    ['k_scale', 'I32', [1]],
    ['k_scale', 'F32', [2, 3]],
    ['o_proj.output_scale', 'F32', [1]],
    ['k_scale.more', 'F32', [1]],
  ])('%s %s %j is not one', (suffix, dtype, shape) => {
    const tensor = `${attention}.${suffix}`;
    expect(() => leftAside(config, { [tensor]: [dtype, shape] })).toThrow(
      `tensor ${tensor}: expected every tensor to belong to a module of the model`,
    );
  });

  it('none where the checkpoint does not quantize its cache', () => {
    expect(() => leftAside(groupConfig(w8), scales('F32', [1]))).toThrow(`tensor ${attention}.k_scale`);
  });
});
