import { createTensorLedger, type DType, type JsonObject, type KvCacheSpec, TensorError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { groupConfig, metadata, parse, type Tensors } from './__fixtures__/checkpoint.ts';

const w8: JsonObject = { strategy: 'channel' };
const fp8: JsonObject = { type: 'float', num_bits: 8, strategy: 'tensor' };
const int8: JsonObject = { type: 'int', num_bits: 8, strategy: 'tensor' };
const attention = 'model.layers.0.self_attn';
const place = 'config.json: quantization_config.kv_cache_scheme';
const spec: KvCacheSpec = { kind: 'kvCache', name: attention, numKvHeads: 2, headSize: 8 };

const cacheConfig = (kv_cache_scheme: JsonObject) => groupConfig(w8, {}, { kv_cache_scheme });

/** Tensors of the attention module by the last parts of their names. */
function under(tensors: Readonly<Record<string, readonly [DType, readonly number[]]>>): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([suffix, tensor]) => [`${attention}.${suffix}`, tensor]));
}

const oneScaleEach = under({ k_scale: ['BF16', [1]], v_scale: ['BF16', [1]] });

/** Describes the cache as a runtime does; nothing may be left over. */
function describeCache(config: JsonObject, tensors: Tensors) {
  const parsed = parse(config, tensors);
  const answer = parsed.kvCacheScheme(spec);
  if (answer.kind !== 'scheme') throw new Error(`no scheme: ${JSON.stringify(answer)}`);
  const ledger = createTensorLedger(metadata(config, tensors).tensors);
  const description = answer.scheme.describe(spec, ledger);
  const unused = [...ledger.settle(parsed.unused ?? [])].map(([tensor, { reason }]) => [tensor, reason]);
  return { description, warnings: answer.warnings ?? [], unused };
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

  it('fp8 with one scale', () => {
    const { description, warnings } = describeCache(cacheConfig(fp8), oneScaleEach);
    expect(description).toMatchObject({
      kind: 'kvCache',
      scheme: 'kv-fp8',
      type: 'f8e4m3',
      numKvHeads: 2,
      headSize: 8,
      quantization: {
        key: { scale: { ref: { name: `${attention}.k_scale` }, type: 'bf16', block: [16, 1] } },
        value: { scale: { ref: { name: `${attention}.v_scale` }, block: [16, 1] } },
      },
    });
    expect(warnings).toEqual([]);
  });

  it.each<readonly number[]>([[2, 1, 1], [2]])('a scale per head, stored as %s, %s, %s', (...shape) => {
    const sizes = shape.filter((size) => size !== undefined);
    const tensors = under({ k_scale: ['F32', sizes], v_scale: ['F32', sizes] });
    const { description } = describeCache(cacheConfig({ ...fp8, strategy: 'attn_head' }), tensors);
    expect(description.quantization?.key.scale.block).toEqual([8, 1]);
    expect(description.quantization?.key.scale.layout.axes).toHaveLength(sizes.length);
  });

  it.each<[string, Tensors, string, string]>([
    [
      'older',
      under({ 'k_proj.output_scale': ['BF16', [1]], 'v_proj.output_scale': ['BF16', [1]] }),
      'k_proj.output_scale',
      'v_proj.output_scale',
    ],
    [
      "ModelOpt's",
      under({ 'k_proj.k_scale': ['F32', []], 'v_proj.v_scale': ['F32', []] }),
      'k_proj.k_scale',
      'v_proj.v_scale',
    ],
    ['one for both', under({ kv_scale: ['F32', [1]] }), 'kv_scale', 'kv_scale'],
  ])('spelling: %s', (_, tensors, key, value) => {
    const { quantization } = describeCache(cacheConfig(fp8), tensors).description;
    expect(quantization?.key.scale.ref.name).toBe(`${attention}.${key}`);
    expect(quantization?.value.scale.ref.name).toBe(`${attention}.${value}`);
  });

  it.each([
    ['k_scale', 'v_scale'],
    ['k_proj.output_scale', 'v_proj.output_scale'],
    ['k_proj.k_scale', 'v_proj.v_scale'],
  ])('%s alone is used for both, and a warning says so', (key, missing) => {
    const { description, warnings } = describeCache(cacheConfig(fp8), under({ [key]: ['F32', [1]] }));
    expect(description.quantization?.value).toEqual(description.quantization?.key);
    expect(warnings).toEqual([
      `${place}: there is no ${attention}.${missing}: ${attention}.${key} is used for keys and values`,
    ]);
  });

  it('int8 with zero points, where they must be and where they only are', () => {
    const zeros = under({ k_zero_point: ['I8', [1]], v_zero_point: ['I8', [1]] });
    for (const symmetric of [true, false]) {
      const { description } = describeCache(cacheConfig({ ...int8, symmetric }), { ...oneScaleEach, ...zeros });
      expect(description).toMatchObject({
        scheme: 'kv-int8',
        type: 'i8',
        quantization: { key: { zero: { ref: { name: `${attention}.k_zero_point` }, type: 'i8', block: [16, 1] } } },
      });
    }
    expect(describeCache(cacheConfig(int8), oneScaleEach).description.quantization?.key).not.toHaveProperty('zero');
  });

  it('fp8 without scales', () => {
    const { description, warnings } = describeCache(cacheConfig(fp8), {});
    expect(description).toMatchObject({ type: 'f8e4m3' });
    expect(description).not.toHaveProperty('quantization');
    expect(warnings).toEqual([
      `${place}: attention modules without k_scale and v_scale keep keys and values with a scale of 1`,
    ]);
  });

  it('fp8 with zero points that say nothing, and scales of queries', () => {
    const more = under({ k_zero_point: ['F8_E4M3', [1]], q_scale: ['BF16', [1]] });
    expect(describeCache(cacheConfig(fp8), { ...oneScaleEach, ...more }).unused).toEqual([
      [`${attention}.k_zero_point`, 'zero points of a KV cache in floats'],
      [`${attention}.q_scale`, 'a scale of queries, which are not quantized'],
    ]);
    const rules = parse(cacheConfig(fp8)).unused ?? [];
    expect(rules.find(({ reason }) => reason.startsWith('zero points of a KV'))?.onlyZeros).toBe(true);
  });

  it.each(['LlamaAttention', attention, 're:.*self_attn$'])('a group for attention: %s', (target) => {
    const group = { targets: [target], weights: null, input_activations: fp8 };
    const config = { config_groups: { linears: { targets: ['Linear'], weights: w8 }, attention: group } };
    const { description, warnings } = describeCache(config, oneScaleEach);
    expect(description.type).toBe('f8e4m3');
    expect(warnings).toEqual(['config.json: quantization_config.config_groups.attention: queries are not quantized']);
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
});

describe('what is not supported is not quantized, and a warning says so', () => {
  it.each<[JsonObject, string]>([
    [{ dynamic: true }, 'scales from the data are not supported'],
    [{ strategy: 'channel' }, 'scales per channel are not supported'],
    [{ strategy: 'group', group_size: 8 }, 'scales per group are not supported'],
    [{ num_bits: 4 }, 'only 8 bits are supported, not 4'],
    [{ symmetric: false }, 'asymmetric floats are not supported'],
  ])('%j', (change, reason) => {
    const config = cacheConfig({ ...fp8, ...change });
    expect(parse(config, oneScaleEach).kvCacheScheme(spec)).toEqual({
      kind: 'unquantized',
      rule: `quantization_config.kv_cache_scheme: ${reason}`,
      warnings: [`${place}: the KV cache is not quantized: ${reason}`],
    });
    expect(leftAside(config, oneScaleEach)).toEqual(Object.keys(oneScaleEach));
  });
});

describe('errors', () => {
  it.each<[string, JsonObject, Tensors, string]>([
    [
      'values with a scale and keys without',
      fp8,
      under({ v_scale: ['F32', [1]] }),
      `k_scale: expected a scale of the keys beside ${attention}.v_scale, found no such tensor`,
    ],
    ['int8 without scales', int8, {}, 'k_scale: expected BF16 or F16 or F32 [1], found no such tensor'],
    [
      'int8 without zero points',
      { ...int8, symmetric: false },
      oneScaleEach,
      'k_zero_point: expected I8 [1], found no such tensor',
    ],
    [
      'a scale per head where one is meant',
      fp8,
      under({ k_scale: ['F32', [2, 1, 1]], v_scale: ['F32', [1]] }),
      'k_scale: expected [1], found [2, 1, 1]',
    ],
    [
      'scales of another number of heads',
      { ...fp8, strategy: 'attn_head' },
      under({ k_scale: ['F32', [4, 1, 1]] }),
      'k_scale: expected [2, 1, 1], found [4, 1, 1]',
    ],
    ['scales in integers', fp8, under({ k_scale: ['I32', [1]] }), 'k_scale: expected BF16 or F16 or F32, found I32'],
    [
      'two spellings at once',
      fp8,
      { ...oneScaleEach, ...under({ kv_scale: ['F32', [1]] }) },
      'kv_scale: expected every tensor to belong to a module of the model',
    ],
  ])('%s', (_, scheme, tensors, message) => {
    expect(() => describeCache(cacheConfig(scheme), tensors)).toThrow(TensorError);
    expect(() => describeCache(cacheConfig(scheme), tensors)).toThrow(`tensor ${attention}.${message}`);
  });
});

describe('scales that are left aside', () => {
  const config = cacheConfig({ ...fp8, dynamic: true });

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
    expect(() => leftAside(groupConfig(w8), oneScaleEach)).toThrow(`tensor ${attention}.k_scale`);
  });
});
