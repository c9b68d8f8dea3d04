import { type DType, type JsonObject, type LinearSpec, TensorError, type TensorRef } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { parseAwqConfig } from './awq-config.ts';

const q = 'model.layers.0.self_attn.q_proj';
const base = { quant_method: 'awq', bits: 4, group_size: 128, zero_point: true, version: 'gemm' };

function parse(names: readonly string[], more: JsonObject = {}) {
  const ref = (name: string): TensorRef => ({
    name,
    dtype: 'I32' as DType,
    shape: [1],
    file: 'model.safetensors',
    start: 0,
    end: 4,
  });
  return parseAwqConfig({
    config: { quantization_config: { ...base, ...more } },
    sideFiles: new Map(),
    tensors: new Map(names.map((name) => [name, ref(name)])),
  });
}

function spec(name: string, role: LinearSpec['role'] = 'projection'): LinearSpec {
  return { kind: 'linear', name, role, outFeatures: 128, inFeatures: 128, hasBias: false };
}

describe('settings', () => {
  it('are printed in one spelling', () => {
    expect(parse([], { modules_to_not_convert: ['lm_head', 'visual'], turbo: 1 })).toMatchObject({
      method: 'awq',
      settings: { format: 'gemm', bits: 4, groupSize: 128, zeroPoint: true, modulesToNotConvert: 'lm_head, visual' },
      warnings: ['config.json: quantization_config.turbo: unknown field, not read'],
    });
    expect(parse([]).settings.modulesToNotConvert).toBeNull();
  });
});

describe('linearScheme', () => {
  it('quantized: the file holds qweight', () => {
    const answer = parse([`${q}.qweight`]).linearScheme(spec(q));
    expect(answer).toMatchObject({ kind: 'scheme', scheme: { name: 'w4a16' }, warnings: [] });
    expect(parse([`${q}.qweight`], { bits: 8 }).linearScheme(spec(q))).toMatchObject({ scheme: { name: 'w8a16' } });
  });

  it('unquantized: the list says so', () => {
    const config = parse([`${q}.weight`], { modules_to_not_convert: ['mlp', 'self_attn.q_proj'] });
    expect(config.linearScheme(spec(q))).toEqual({
      kind: 'unquantized',
      rule: 'modules_to_not_convert: "self_attn.q_proj"',
      warnings: [],
    });
  });

  it('unquantized against the list: the file counts', () => {
    expect(parse([`${q}.weight`]).linearScheme(spec(q))).toEqual({
      kind: 'unquantized',
      rule: `the file holds ${q}.weight`,
      warnings: [`${q} is not in modules_to_not_convert, but the file holds ${q}.weight; it is read as unquantized`],
    });
  });

  it('quantized against the list: the file counts', () => {
    const name = 'model.layers.0.mlp.gate_proj';
    const config = parse([`${name}.qweight`, `${q}.qweight`], { modules_to_not_convert: ['mlp.gate', 'q_proj'] });
    expect(config.linearScheme(spec(name))).toMatchObject({
      kind: 'scheme',
      warnings: [
        `config.json: modules_to_not_convert: "mlp.gate" covers ${name}, by cutting through a segment of its name, but the file holds ${name}.qweight; it is read as quantized`,
      ],
    });
    expect(config.linearScheme(spec(q))).toMatchObject({
      warnings: [
        `config.json: modules_to_not_convert: "q_proj" covers ${q}, but the file holds ${q}.qweight; it is read as quantized`,
      ],
    });
  });

  it('unquantized by an entry that cuts through a segment', () => {
    const name = 'model.layers.0.mlp.gate_proj';
    const config = parse([`${name}.weight`], { modules_to_not_convert: ['gate'] });
    expect(config.linearScheme(spec(name))).toEqual({
      kind: 'unquantized',
      rule: 'modules_to_not_convert: "gate"',
      warnings: [
        `config.json: modules_to_not_convert: "gate" covers ${name}, by cutting through a segment of its name`,
      ],
    });
  });

  it('both or neither is an error', () => {
    const either = `either ${q}.qweight (quantized) or ${q}.weight (unquantized)`;
    const both = () => parse([`${q}.qweight`, `${q}.weight`]).linearScheme(spec(q));
    expect(both).toThrow(TensorError);
    expect(both).toThrow(`tensor ${q}.weight: expected ${either}, found both`);
    const neither = () => parse([]).linearScheme(spec(q));
    expect(neither).toThrow(TensorError);
    expect(neither).toThrow(`tensor ${q}.qweight: expected ${either}, found neither`);
  });

  it.each(['head', 'router'] as const)('a %s follows the file', (role) => {
    expect(parse(['x.weight']).linearScheme(spec('x', role))).toEqual({
      kind: 'unquantized',
      rule: `AWQ leaves a ${role} as it is`,
      warnings: [],
    });
    expect(parse(['x.qweight']).linearScheme(spec('x', role))).toMatchObject({ kind: 'scheme', warnings: [] });
  });

  it.each([
    [true, 'lm_head.weight', 'lm_head is true, but the file holds lm_head.weight; the file counts'],
    [false, 'lm_head.qweight', 'lm_head is false, but the file holds lm_head.qweight; the file counts'],
  ])('lm_head: %s against %s', (lm_head, tensor, warning) => {
    const answer = parse([tensor], { lm_head }).linearScheme(spec('lm_head', 'head'));
    expect(answer).toMatchObject({ warnings: [warning] });
  });

  it('a tied head has no tensors', () => {
    expect(parse([]).linearScheme({ ...spec('lm_head', 'head'), tiedTo: 'model.embed_tokens' })).toEqual({
      kind: 'unquantized',
      rule: 'tied to model.embed_tokens',
    });
  });
});

describe('other kinds', () => {
  const name = 'model.layers.0.block_sparse_moe.experts';
  const moe = {
    kind: 'moe',
    name,
    numExperts: 4,
    hiddenSize: 128,
    intermediateSize: 256,
    projections: { gate: 'w1', up: 'w3', down: 'w2' },
  } as const;

  it('experts are linears like others', () => {
    const linears = (suffix: string) =>
      [0, 1, 2, 3].flatMap((expert) => ['w1', 'w2', 'w3'].map((part) => `${name}.${expert}.${part}.${suffix}`));
    expect(parse(linears('qweight')).moeScheme(moe)).toMatchObject({ kind: 'scheme', scheme: { name: 'w4a16' } });
    expect(parse(linears('weight')).moeScheme(moe)).toMatchObject({ kind: 'unquantized' });
    const mixed = linears('qweight').map((tensor) => tensor.replace('2.w3.qweight', '2.w3.weight'));
    expect(parse(mixed).moeScheme(moe)).toMatchObject({
      kind: 'refused',
      refusal: { message: expect.stringContaining('experts differ in w3: expert 0: w4a16') },
    });
  });

  it('embeddings and the KV cache are unquantized', () => {
    const config = parse([]);
    const embedding = { kind: 'embedding', name: 'e', vocabSize: 8, hiddenSize: 8 } as const;
    const kvCache = { kind: 'kvCache', name: 'c', numKvHeads: 1, headSize: 8 } as const;
    expect(config.embeddingScheme(embedding)).toEqual({ kind: 'unquantized', rule: 'AWQ quantizes linears only' });
    expect(config.kvCacheScheme(kvCache)).toEqual({
      kind: 'unquantized',
      rule: 'AWQ does not quantize the KV cache',
    });
  });
});
