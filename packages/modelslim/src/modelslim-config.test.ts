import type { EmbeddingSpec, KvCacheSpec, LinearSpec, MoeSpec } from '@lowbit/core';
import { createTensorLedger } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { parseModelSlimConfig } from './modelslim-config.ts';
import { checkpointOf, linearSpec, type TestTensors, tensor } from './test-support/checkpoint.ts';

const file = 'quant_model_description.json';
const q = 'model.layers.0.self_attn.q_proj';

function parse(tensors: TestTensors, fields = {}) {
  return parseModelSlimConfig(checkpointOf(tensors, fields));
}

function answer(type: string, spec: LinearSpec = linearSpec(q, 2, 2)) {
  return parse({ [`${spec.name}.weight`]: tensor('I8', [2, 2], type) }).linearScheme(spec);
}

describe('linears', () => {
  it.each(['FLOAT', 'W16A16S'])('%s is unquantized', (type) => {
    expect(answer(type)).toEqual({ kind: 'unquantized', rule: `${file}: ${q}.weight is ${type}` });
  });

  it.each(['W8A8', 'W8A8_MIX', 'W8A8_DYNAMIC', 'W8A16', 'W4A16', 'W4A8_DYNAMIC', 'W4A4_DYNAMIC', 'WFP8AFP8_DYNAMIC'])(
    '%s has a scheme of that name',
    (type) => {
      expect(answer(type)).toMatchObject({ kind: 'scheme', scheme: { name: type }, warnings: [] });
    },
  );

  it('DUALSCALE warns', () => {
    expect(answer('W4A4_MXFP4_DUALSCALE')).toMatchObject({
      kind: 'scheme',
      warnings: [
        'W4A4_MXFP4_DUALSCALE: activations stay unquantized, as their dynamic scales of two levels are not supported yet',
      ],
    });
  });

  it.each([
    [
      'W4A4_FLATQUANT_DYNAMIC',
      'FLATQUANT',
      'FlatQuant transforms activations by matrices in the file, which is not supported yet',
    ],
    [
      'W4A4_MXFP4_FLATQUANT',
      'FLATQUANT',
      'FlatQuant transforms activations by matrices in the file, which is not supported yet',
    ],
    ['W4A4_SVD_DYNAMIC', 'SVD', 'the low-rank part beside the quantized weight is not supported yet'],
    ['W4A4_MXFP4_SVD', 'SVD', 'the low-rank part beside the quantized weight is not supported yet'],
    ['NF4', 'NF4', 'its table of 16 values is not supported'],
    ['W8A8S', 'SPARSE', 'sparse weights of the Ascend 310P, whose layout is not public'],
    ['W8A8SC', 'COMPRESSED', 'weights compressed for one chip, the Ascend 310P'],
    ['W16A16SC', 'COMPRESSED', 'weights compressed for one chip, the Ascend 310P'],
    ['W8A8_TIMESTEP', 'TIMESTEP', 'activation scales per diffusion time step have no place in a language model'],
    ['C8', 'TYPE', 'this is no type of a weight'],
  ])('%s is refused', (type, code, reason) => {
    expect(answer(type)).toEqual({
      kind: 'refused',
      refusal: { by: 'modelslim', code, message: `${q} is ${type}: ${reason}` },
    });
  });

  it('a float linear with a bias that its architecture has not', () => {
    const tensors = {
      [`${q}.weight`]: tensor('BF16', [2, 2], 'FLOAT'),
      [`${q}.bias`]: tensor('BF16', [2], 'FLOAT'),
    };
    const config = parse(tensors);
    const found = config.linearScheme(linearSpec(q, 2, 2));
    if (found.kind !== 'scheme') throw new Error(found.kind);
    const ledger = createTensorLedger(checkpointOf(tensors).tensors);
    expect(found.scheme.describe(linearSpec(q, 2, 2), ledger)).toMatchObject({ bias: { type: 'bf16' } });
    ledger.settle([]);
    expect(config.linearScheme(linearSpec(q, 2, 2, true)).kind).toBe('unquantized');
  });

  it('ignore covers names and regular expressions', () => {
    const config = parse({ [`${q}.weight`]: tensor('I8', [2, 2], 'W8A8') }, { ignore: [q, 're:.*lm_head'] });
    expect(config.linearScheme(linearSpec(q, 2, 2))).toEqual({ kind: 'unquantized', rule: `${file}: ignore` });
    expect(config.linearScheme(linearSpec('model.lm_head', 2, 2)).kind).toBe('unquantized');
  });

  it.each([
    ['FLOAT', { kind: 'unquantized', rule: 'tied to e' }],
    ['W8A16', { kind: 'scheme', scheme: { name: 'W8A16' } }],
  ])('a tied head that is %s', (type, expected) => {
    expect(answer(type, { ...linearSpec('lm_head', 2, 2), role: 'head', tiedTo: 'e' })).toMatchObject(expected);
  });

  it('a tied head without tensors', () => {
    const head = { ...linearSpec('lm_head', 2, 2), role: 'head', tiedTo: 'e' } as const;
    expect(parse({}).linearScheme(head)).toEqual({ kind: 'unquantized', rule: 'tied to e' });
    const listed = parse({}, { 'lm_head.weight': 'W8A16' });
    expect(listed.linearScheme(head)).toEqual({ kind: 'unquantized', rule: 'tied to e' });
  });

  it('experts may stand under the name that an engine gives them', () => {
    const config = parse({}, { 'model.layers.0.block_sparse_moe.experts.0.w1.weight': 'W8A8_DYNAMIC' });
    const found = config.linearScheme(linearSpec('model.layers.0.mlp.experts.0.w1', 2, 2));
    expect(found).toMatchObject({ scheme: { name: 'W8A8_DYNAMIC' } });
  });
});

describe('experts', () => {
  const name = 'model.layers.0.mlp.experts';
  const projections = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' };
  const block: MoeSpec = { kind: 'moe', name, numExperts: 2, hiddenSize: 2, intermediateSize: 2, projections };
  const types = (gate: string, up: string, down: string, lastDown = down) => ({
    [`${name}.0.gate_proj.weight`]: gate,
    [`${name}.1.gate_proj.weight`]: gate,
    [`${name}.0.up_proj.weight`]: up,
    [`${name}.1.up_proj.weight`]: up,
    [`${name}.0.down_proj.weight`]: down,
    [`${name}.1.down_proj.weight`]: lastDown,
  });

  it('go by their own types, float ones too', () => {
    const mixed = types('W4A8_DYNAMIC', 'W4A8_DYNAMIC', 'W8A8_DYNAMIC');
    expect(parse({}, mixed).moeScheme(block)).toMatchObject({ scheme: { name: 'W4A8_DYNAMIC+W8A8_DYNAMIC' } });
    expect(parse({}, types('FLOAT', 'FLOAT', 'FLOAT')).moeScheme(block)).toMatchObject({ kind: 'unquantized' });
  });

  it('experts that differ are refused', () => {
    const mixed = types('W8A8_DYNAMIC', 'W8A8_DYNAMIC', 'W8A8_DYNAMIC', 'W8A16');
    expect(parse({}, mixed).moeScheme(block)).toMatchObject({ kind: 'refused', refusal: { code: 'MIXED_EXPERTS' } });
  });
});

describe('embeddings', () => {
  const spec: EmbeddingSpec = { kind: 'embedding', name: 'model.embed_tokens', vocabSize: 4, hiddenSize: 2 };
  const weight = 'model.embed_tokens.weight';

  it('are usually plain', () => {
    expect(parse({}, { [weight]: 'FLOAT' }).embeddingScheme(spec)).toEqual({
      kind: 'unquantized',
      rule: `${file}: ${weight} is FLOAT`,
    });
    expect(parse({}).embeddingScheme(spec)).toEqual({ kind: 'unquantized', rule: `${file} has no entry for it` });
  });

  it('are described where they are quantized', () => {
    const tensors = {
      [weight]: tensor('I8', [4, 2], 'W8A8_DYNAMIC'),
      'model.embed_tokens.weight_scale': tensor('F32', [4, 1], 'W8A8_DYNAMIC'),
      'model.embed_tokens.weight_offset': tensor('F32', [4, 1], 'W8A8_DYNAMIC'),
    };
    const found = parse(tensors).embeddingScheme(spec);
    if (found.kind !== 'scheme') throw new Error(found.kind);
    const ledger = createTensorLedger(checkpointOf(tensors).tensors);
    expect(found.scheme.describe(spec, ledger)).toMatchObject({
      kind: 'embedding',
      scheme: 'W8A8_DYNAMIC',
      weight: { outFeatures: 4, inFeatures: 2, codes: { type: 'i8' }, scales: [{ block: [1, 2] }] },
    });
    ledger.settle([]);
  });
});

describe('KV caches', () => {
  const attention = 'model.layers.0.self_attn';
  const spec: KvCacheSpec = { kind: 'kvCache', name: attention, numKvHeads: 2, headSize: 4 };
  const scales = Object.fromEntries(
    ['k_proj', 'v_proj'].flatMap((projection) =>
      ['scale', 'offset'].map((table) => [`${attention}.${projection}.kv_cache_${table}`, tensor('F32', [8], 'C8')]),
    ),
  );

  it('int8 per feature', () => {
    const found = parse(scales, { kv_cache_type: 'C8' }).kvCacheScheme(spec);
    if (found.kind !== 'scheme') throw new Error(found.kind);
    const ledger = createTensorLedger(checkpointOf(scales).tensors);
    expect(found.scheme.describe(spec, ledger)).toMatchObject({
      type: 'i8',
      quantization: {
        key: {
          scale: { ref: { name: `${attention}.k_proj.kv_cache_scale` }, block: [1, 1] },
          zero: { ref: { name: `${attention}.k_proj.kv_cache_offset` } },
        },
        value: { scale: { ref: { name: `${attention}.v_proj.kv_cache_scale` } } },
      },
    });
    ledger.settle([]);
  });

  it('plain', () => {
    expect(parse({}).kvCacheScheme(spec)).toEqual({
      kind: 'unquantized',
      rule: 'the checkpoint has no kv_cache_scale for it',
      warnings: [],
    });
  });

  it.each([
    [
      { kv_cache_type: 'C8' },
      `${file}: the KV cache is C8, but ${attention} has no kv_cache_scale; its cache is unquantized`,
    ],
    [{ fa_quant_type: 'FAKQuant' }, `${file}: attention is computed unquantized, its scales are not applied yet`],
    [
      { [`${attention}.quant_type`]: 'Q_FP8_DYNAMIC_KV_FP8' },
      `${file}: attention is computed unquantized, its scales are not applied yet`,
    ],
    [
      { [`${attention}.fa_q.scale`]: 'FAQuant' },
      `${file}: attention is computed unquantized, its scales are not applied yet`,
    ],
  ])('%j warns', (fields, warning) => {
    expect(parse({}, fields).kvCacheScheme(spec)).toMatchObject({ kind: 'unquantized', warnings: [warning] });
  });
});

it('is known to other engines as ascend', () => {
  expect(parse({}).aliases).toEqual(['ascend']);
});
