import {
  createRegistry,
  createTensorLedger,
  findMethod,
  type JsonObject,
  type KvCacheSpec,
  type LinearSpec,
} from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import quark from './index.ts';
import { parseQuarkConfig } from './quark-config.ts';
import { describeLinear, dynamic, linear, metadata, settings, specs, type Tensors } from './test-support/checkpoint.ts';

const q = 'model.layers.0.self_attn.q_proj';
const plain: Tensors = { [`${q}.weight`]: ['BF16', [2, 4]] };
const fp8: Tensors = { [`${q}.weight`]: ['F8_E4M3', [2, 4]], [`${q}.weight_scale`]: ['BF16', []] };

function answer(quantization: JsonObject, tensors: Tensors, module: Partial<LinearSpec> = {}) {
  return parseQuarkConfig(metadata(quantization, tensors)).linearScheme(linear(2, 4, { name: q, ...module }));
}

describe('which method', () => {
  const registry = createRegistry({ methods: [quark] });
  const found = (quantization: JsonObject) => findMethod(registry, metadata(quantization))?.name;

  it('quark, and fp8 with an exporter’s settings', () => {
    expect(found({ quant_method: 'quark' })).toBe('quark');
    expect(found({ quant_method: 'fp8', export: {} })).toBe('quark');
    expect(found({ quant_method: 'fp8', activation_scheme: 'dynamic' })).toBeUndefined();
    expect(found({ quant_method: 'awq', export: {} })).toBeUndefined();
  });

  it('only the fp8 export has another name elsewhere', () => {
    const aliases = (quantization: JsonObject) => parseQuarkConfig(metadata(quantization)).aliases;
    expect(aliases({ quant_method: 'fp8', export: {} })).toEqual(['fp8']);
    expect(aliases(settings(specs.fp8))).toBeUndefined();
  });
});

describe('linearScheme', () => {
  it('is the global one', () => {
    expect(answer(settings(specs.fp8), fp8)).toMatchObject({
      kind: 'scheme',
      scheme: { name: 'w8a16-fp8' },
      warnings: [],
    });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['the first pattern that covers it', { '*q_proj': specs.int8, '*proj': specs.mxfp4 }, 'w8a16'],
    ['in document order', { '*proj': specs.mxfp4, '*q_proj': specs.int8 }, 'w4a16-mxfp4'],
    ['with character classes', { '*[kv]_proj': specs.int8, '*[qo]_proj': specs.mxfp4 }, 'w4a16-mxfp4'],
    ['and not one that does not', { q_proj: specs.int8 }, 'w8a16-fp8'],
  ])('is that of %s', (_, patterns, name) => {
    const layers = Object.fromEntries(Object.entries(patterns).map(([pattern, weight]) => [pattern, { weight }]));
    const quantization = settings(specs.fp8, null, { layer_quant_config: layers });
    expect(answer(quantization, fp8)).toMatchObject({ scheme: { name } });
  });

  it('is that of the class Linear before the global one, and after patterns', () => {
    const byType = { layer_type_quant_config: { Linear: { weight: specs.int8 }, Conv2d: { weight: specs.uint4 } } };
    expect(answer(settings(specs.fp8, null, byType), fp8)).toMatchObject({ scheme: { name: 'w8a16' } });
    const both = { ...byType, layer_quant_config: { '*': { weight: specs.mxfp4 } } };
    expect(answer(settings(specs.fp8, null, both), fp8)).toMatchObject({ scheme: { name: 'w4a16-mxfp4' } });
  });

  it('null for patterns and classes is none', () => {
    const none = { layer_quant_config: null, layer_type_quant_config: null, exclude: null, algo_config: null };
    expect(answer(settings(specs.fp8, null, none), fp8)).toMatchObject({ scheme: { name: 'w8a16-fp8' } });
  });

  it.each<[string, unknown, unknown, string]>([
    ['fp8', specs.fp8, specs.fp8, 'w8a8-fp8'],
    ['int8', specs.int8, specs.int8PerToken, 'w8a8-int8'],
    ['uint4', specs.uint4, null, 'w4a16'],
    ['MXFP4', specs.mxfp4, dynamic(specs.mxfp4), 'w4a4-mxfp4'],
    ['MXFP4 and fp8', specs.mxfp4, specs.fp8, 'w4a8-mxfp4'],
    ['MXFP6', { ...specs.mxfp4, dtype: 'fp6_e3m2' }, null, 'w6a16-mxfp6'],
    ['NVFP4', specs.nvfp4, null, 'w4a16-nvfp4'],
    ['int4 of fp8', [specs.fp8, { ...specs.uint4, dtype: 'int4' }], specs.fp8, 'w4a8-progressive'],
    ['inputs alone', null, specs.int8PerToken, 'w16a8-int16'],
  ])('has a name: %s', (_, weight, input, name) => {
    expect(answer(settings(weight, input), fp8)).toMatchObject({ scheme: { name } });
  });

  it('unquantized: the list says so', () => {
    const quantization = settings(specs.fp8, null, { exclude: ['lm_head', '*.layers.0.self_attn*'] });
    expect(answer(quantization, plain)).toEqual({ kind: 'unquantized', rule: 'exclude: "*.layers.0.self_attn*"' });
    const legacy = { quant_method: 'fp8', export: {}, ignored_layers: [q] };
    expect(answer(legacy, plain)).toEqual({ kind: 'unquantized', rule: `ignored_layers: "${q}"` });
  });

  it('quantized against the list: the file counts', () => {
    expect(answer(settings(specs.fp8, null, { exclude: ['*q_proj'] }), fp8)).toMatchObject({
      kind: 'scheme',
      warnings: [`exclude: "*q_proj" covers ${q}, but the file holds scales for it; it is read as quantized`],
    });
  });

  it('unquantized against the list: the file counts', () => {
    expect(answer(settings(specs.fp8), plain)).toEqual({
      kind: 'unquantized',
      rule: `the file holds a plain ${q}.weight`,
      warnings: [`${q} is not in exclude, but the file holds plain weights; it is read as unquantized`],
    });
    // Routers are left out without being listed.
    expect(answer(settings(specs.fp8), plain, { role: 'router' })).toMatchObject({ kind: 'unquantized', warnings: [] });
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a cast', { dtype: 'bfloat16', is_dynamic: false }],
  ])('unquantized: the settings quantize nothing: %s', (_, weight) => {
    expect(answer(settings(weight), plain)).toEqual({
      kind: 'unquantized',
      rule: 'quantization_config.global_quant_config quantizes nothing',
    });
  });

  it('a tied head has no tensors', () => {
    expect(answer(settings(specs.fp8), {}, { role: 'head', tiedTo: 'model.embed_tokens' })).toEqual({
      kind: 'unquantized',
      rule: 'tied to model.embed_tokens',
    });
  });
});

describe('fake-quantized weights', () => {
  const exporting = { export: { weight_format: 'fake_quantized' } };

  it('are the floats that they are, and inputs are quantized', () => {
    const tensors: Tensors = {
      'a.weight': ['BF16', [2, 4]],
      'a.weight_scale': ['BF16', []],
      'a.input_scale': ['BF16', []],
    };
    const description = describeLinear(settings(specs.fp8, specs.fp8, exporting), tensors, linear(2, 4));
    expect(description).toMatchObject({
      scheme: 'w8a8-fp8',
      weight: { codes: { type: 'bf16' }, scales: [] },
      activations: { type: 'f8e4m3', scale: { kind: 'static' } },
    });
  });

  it('do not excuse codes', () => {
    const codes: Tensors = { 'a.weight': ['F8_E4M3', [2, 4]], 'a.weight_scale': ['BF16', []] };
    expect(() => describeLinear(settings(specs.fp8, null, exporting), codes, linear(2, 4))).toThrow(
      'tensor a.weight: expected BF16 or F16 or F32, found F8_E4M3',
    );
  });
});

describe('other kinds', () => {
  it('experts are linears like others', () => {
    const name = 'model.layers.0.block_sparse_moe.experts';
    const projections = { gate: 'w1', up: 'w3', down: 'w2' };
    const moe = { kind: 'moe', name, numExperts: 2, hiddenSize: 4, intermediateSize: 8, projections } as const;
    const tensors: Tensors = Object.fromEntries(
      [0, 1].flatMap((expert) =>
        ['w1', 'w2', 'w3'].map((part) => [`${name}.${expert}.${part}.weight_scale`, ['BF16', []] as const]),
      ),
    );
    expect(parseQuarkConfig(metadata(settings(specs.fp8), tensors)).moeScheme(moe)).toMatchObject({
      kind: 'scheme',
      scheme: { name: 'w8a16-fp8' },
    });
  });

  it('embeddings stay as they are, and are refused where they do not', () => {
    const embedding = { kind: 'embedding', name: 'e', vocabSize: 8, hiddenSize: 4 } as const;
    const of = (tensors: Tensors) =>
      parseQuarkConfig(metadata(settings(specs.fp8), tensors)).embeddingScheme(embedding);
    expect(of({})).toEqual({ kind: 'unquantized', rule: 'Quark leaves embeddings as they are' });
    expect(of({ 'e.weight_scale': ['F32', []] })).toMatchObject({
      kind: 'refused',
      refusal: { code: 'EMBEDDING', message: 'e: quantized embeddings are not supported' },
    });
  });

  it('a quantized softmax is a warning', () => {
    const config = parseQuarkConfig(metadata(settings(specs.fp8, null, { softmax_quant_spec: specs.fp8 })));
    expect(config.warnings).toEqual(['attention is computed unquantized: queries and probabilities stay floats']);
  });

  it('an algorithm that nobody knows is a warning', () => {
    const algo_config = [{ name: 'gptq' }, { name: 'magic' }, { name: 'rotation', r4: false }];
    expect(parseQuarkConfig(metadata(settings(specs.fp8, null, { algo_config }))).warnings).toEqual([
      'config.json: quantization_config.algo_config[1].name: "magic" is not known, and not read',
    ]);
  });
});

describe('a quantized KV cache', () => {
  const attention: KvCacheSpec = { kind: 'kvCache', name: 'model.layers.0.self_attn', numKvHeads: 1, headSize: 2 };
  const layer = { weight: specs.fp8, output_tensors: specs.fp8 };
  const kv = (layers: JsonObject, group = ['*k_proj', '*v_proj']) =>
    settings(specs.fp8, null, { layer_quant_config: layers, export: { kv_cache_group: group } });
  const both = kv({ '*k_proj': layer, '*v_proj': layer });
  const scales: Tensors = {
    'model.layers.0.self_attn.k_proj.output_scale': ['BF16', []],
    'model.layers.0.self_attn.v_proj.output_scale': ['BF16', [1]],
  };
  const warning = 'kv_cache_post_rope is not set: the scales of keys were measured before RoPE and are used after it';

  function describeCache(quantization: JsonObject, tensors: Tensors) {
    const checkpoint = metadata(quantization, tensors);
    const config = parseQuarkConfig(checkpoint);
    const found = config.kvCacheScheme(attention);
    const ledger = createTensorLedger(checkpoint.tensors);
    const description = found.kind === 'scheme' ? found.scheme.describe(attention, ledger) : undefined;
    return { config, found, description, unused: [...ledger.settle(config.unused ?? []).keys()] };
  }

  it('in fp8, with a number for keys and one for values', () => {
    const { config, description } = describeCache(both, scales);
    expect(config.warnings).toEqual([warning]);
    expect(config.settings.kvCache).toBe('fp8_e4m3 per_tensor static');
    const table = { type: 'bf16', block: [2, 1] };
    expect(description).toMatchObject({
      scheme: 'kv-fp8',
      type: 'f8e4m3',
      quantization: {
        key: { scale: { ...table, ref: { name: 'model.layers.0.self_attn.k_proj.output_scale' } } },
        value: { scale: { ...table, ref: { name: 'model.layers.0.self_attn.v_proj.output_scale' } } },
      },
    });
    expect(description?.quantization?.key).not.toHaveProperty('zero');
  });

  it('scales measured after RoPE are used without a warning', () => {
    expect(parseQuarkConfig(metadata({ ...both, kv_cache_post_rope: true }, scales)).warnings).toEqual([]);
  });

  it('in int8, with zero points where the file has any or the settings ask for them', () => {
    const of = (spec: JsonObject) => {
      const outputs = { weight: specs.fp8, output_tensors: spec };
      return kv({ '*k_proj': outputs, '*v_proj': outputs });
    };
    const zeros: Tensors = {
      'model.layers.0.self_attn.k_proj.output_zero_point': ['I8', []],
      'model.layers.0.self_attn.v_proj.output_quantizer.zero_point': ['I8', [1]],
    };
    expect(describeCache(of(specs.int8), { ...scales, ...zeros }).description).toMatchObject({
      scheme: 'kv-int8',
      type: 'i8',
      quantization: { key: { zero: { type: 'i8' } }, value: { zero: { type: 'i8' } } },
    });
    expect(describeCache(of(specs.int8), scales).description?.quantization?.key).not.toHaveProperty('zero');
    expect(() => describeCache(of({ ...specs.int8, symmetric: false }), scales)).toThrow(
      'tensor model.layers.0.self_attn.k_proj.output_zero_point: expected I8 [], found no such tensor',
    );
  });

  it('leaves the scales of queries and probabilities aside, with a warning', () => {
    const more: Tensors = {
      'model.layers.0.self_attn.q_proj.output_scale': ['BF16', []],
      'model.layers.0.self_attn.prob_output_scale': ['BF16', []],
    };
    const { config, unused } = describeCache(both, { ...scales, ...more });
    expect(unused).toEqual(Object.keys(more));
    expect(config.warnings).toEqual([
      warning,
      'attention is computed unquantized: queries and probabilities stay floats',
    ]);
    const other: Tensors = { 'model.layers.0.mlp.down_proj.output_scale': ['BF16', []] };
    expect(() => describeCache(both, { ...scales, ...other })).toThrow(
      'tensor model.layers.0.mlp.down_proj.output_scale',
    );
  });

  it.each<[string, JsonObject]>([
    ['fp8_e4m3 per_tensor dynamic', dynamic(specs.fp8)],
    ['int4 per_tensor static', { ...specs.int8, dtype: 'int4' }],
    ['fp8_e4m3 per_channel static', specs.fp8PerChannel],
  ])('%s is kept unquantized, with a warning', (text, spec) => {
    const outputs = { weight: specs.fp8, output_tensors: spec };
    const { config, found, unused } = describeCache(kv({ '*k_proj': outputs, '*v_proj': outputs }), scales);
    expect(found).toEqual({ kind: 'unquantized', rule: `KV caches quantized ${text} are not supported` });
    expect(config.warnings).toEqual([`the KV cache is kept unquantized: ${text} is not supported`]);
    expect(unused).toEqual(Object.keys(scales));
  });

  it('only where the group covers keys and values', () => {
    const config = parseQuarkConfig(
      metadata(kv({ '*k_proj': layer, '*.layers.1.*v_proj': layer }, ['*k_proj', '*.layers.1.*v_proj'])),
    );
    expect(config.kvCacheScheme(attention)).toEqual({ kind: 'unquantized', rule: 'no KV cache quantization here' });
    expect(config.kvCacheScheme({ ...attention, name: 'model.layers.1.self_attn' }).kind).toBe('scheme');
  });

  it('its linears are not refused for their outputs, nor are queries; others are', () => {
    const layers = { '*k_proj': layer, '*v_proj': layer, '*q_proj': layer, '*o_proj': layer };
    const name = (part: string) => `model.layers.0.self_attn.${part}`;
    for (const part of ['k_proj', 'q_proj']) {
      const tensors: Tensors = { [`${name(part)}.weight_scale`]: ['BF16', []] };
      expect(answer(kv(layers), tensors, { name: name(part) }).kind, part).toBe('scheme');
    }
    const tensors: Tensors = { [`${name('o_proj')}.weight_scale`]: ['BF16', []] };
    expect(answer(kv(layers), tensors, { name: name('o_proj') })).toMatchObject({
      refusal: {
        code: 'OUTPUT',
        message: `quantization_config.layer_quant_config.*o_proj.output_tensors: the output of ${name('o_proj')} is quantized`,
      },
    });
  });

  it('its settings may stand apart', () => {
    const apart = settings(specs.fp8, null, { kv_cache_quant_config: { '*k_proj': layer, '*v_proj': layer } });
    expect(parseQuarkConfig(metadata(apart, scales)).warnings).toEqual([warning]);
  });

  it('a missing scale is an error', () => {
    const { 'model.layers.0.self_attn.v_proj.output_scale': _, ...rest } = scales;
    expect(() => describeCache(both, rest)).toThrow(
      'tensor model.layers.0.self_attn.v_proj.output_scale: expected BF16 or F16 or F32 [], found no such tensor',
    );
  });

  it('custom mode fp8 has its own names, and its tensors tell', () => {
    const legacy = { quant_method: 'fp8', export: {} };
    const stored: Tensors = {
      'model.layers.0.self_attn.k_scale': ['BF16', []],
      'model.layers.0.self_attn.v_scale': ['BF16', []],
    };
    const { config, description } = describeCache(legacy, stored);
    expect(config.warnings).toEqual([warning]);
    expect(description?.quantization?.value.scale.ref.name).toBe('model.layers.0.self_attn.v_scale');
    expect(() => describeCache({ ...legacy, kv_cache_scheme: 'static' }, {})).toThrow(
      'tensor model.layers.0.self_attn.k_scale: expected BF16',
    );
  });

  const place = 'config.json: quantization_config.export.kv_cache_group: expected';

  it.each<[string, JsonObject, string]>([
    [
      'a name that no layer has',
      kv({ '*k_proj': layer }),
      `${place} keys of layer_quant_config ("*k_proj"), found "*v_proj"`,
    ],
    [
      'outputs that are not quantized',
      kv({ '*k_proj': layer, '*v_proj': { weight: specs.fp8 } }),
      `${place} layers with output_tensors, found "*v_proj"`,
    ],
    [
      'outputs that differ',
      kv({ '*k_proj': layer, '*v_proj': { ...layer, output_tensors: dynamic(specs.fp8) } }),
      `${place} layers with the same output_tensors as "*k_proj", found "*v_proj"`,
    ],
  ])('%s', (_, quantization, message) => {
    expect(() => parseQuarkConfig(metadata(quantization))).toThrow(message);
  });
});
