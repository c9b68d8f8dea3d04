import type { JsonObject } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import {
  checkpointOf,
  closeBooks,
  describeModule,
  linear,
  type Shapes,
  tensorsOfA,
  usual,
} from './__fixtures__/made-up-checkpoint.ts';
import { parseGptqConfig } from './gptq-config.ts';

const q = 'model.layers.0.self_attn.q_proj';

function parse(names: readonly string[], more: JsonObject = {}) {
  const shapes = Object.fromEntries(names.map((name) => [name, ['I32', [1]] as const]));
  return parseGptqConfig(checkpointOf({ ...usual, ...more }, shapes));
}

describe('settings', () => {
  it('are printed in one spelling', () => {
    const config = parse([], { group_size: 64, desc_act: true, lm_head: true, dynamic: { '-:.*gate': {} } });
    expect(config).toMatchObject({
      method: 'gptq',
      settings: {
        format: 'gptq',
        bits: 4,
        groupSize: 64,
        symmetric: true,
        actOrder: true,
        quantizedHead: true,
        rules: 'dynamic: "-:.*gate" unquantized',
      },
      warnings: [],
    });
    expect(parse([], { sym: undefined }).settings).toMatchObject({ symmetric: null, rules: null });
  });

  it.each<[JsonObject, readonly string[]]>([
    [{ group_size: 128 }, ['gptq_marlin', 'marlin', 'moe_wna16']],
    [{ group_size: -1, bits: 8, desc_act: true }, ['gptq_marlin', 'marlin']],
    [{ group_size: 256 }, ['moe_wna16']],
    [{ group_size: 128, sym: false }, ['moe_wna16']],
    [{ group_size: 128, sym: undefined }, ['moe_wna16']],
    [{ group_size: 128, bits: 2 }, []],
    [{ group_size: 128, quant_method: 'auto-round' }, ['auto-round']],
  ])('serving names of %j', (more, names) => {
    expect(parse([], more).aliases).toEqual(names);
  });
});

describe('linearScheme', () => {
  it('quantized: the file holds qweight', () => {
    expect(parse([`${q}.qweight`]).linearScheme(linear(q))).toMatchObject({
      kind: 'scheme',
      scheme: { name: 'w4a16' },
      warnings: [],
    });
    const dynamic = { '.*q_proj': { bits: 8 } };
    expect(parse([`${q}.qweight`], { dynamic }).linearScheme(linear(q))).toMatchObject({ scheme: { name: 'w8a16' } });
  });

  it.each<[string, JsonObject, string]>([
    ['a rule', { dynamic: { '-:.*q_proj': {} } }, 'dynamic: "-:.*q_proj"'],
    ['a rule of AutoRound', { extra_config: { [q]: { bits: 16 } } }, `extra_config: "${q}"`],
    [
      'a list of what is quantized',
      { modules_in_block_to_quantize: [['mlp.up_proj']] },
      'not in modules_in_block_to_quantize',
    ],
  ])('unquantized by %s', (_, more, rule) => {
    expect(parse([`${q}.weight`], more).linearScheme(linear(q))).toEqual({ kind: 'unquantized', rule, warnings: [] });
    expect(parse([`${q}.qweight`], more).linearScheme(linear(q))).toMatchObject({
      kind: 'scheme',
      warnings: [`${rule} leaves ${q} out, but the file holds ${q}.qweight; it is read as quantized`],
    });
  });

  it('unquantized without a rule: the file counts', () => {
    const more = { modules_in_block_to_quantize: ['self_attn.q_proj'] };
    expect(parse([`${q}.weight`], more).linearScheme(linear(q))).toEqual({
      kind: 'unquantized',
      rule: `the file holds ${q}.weight`,
      warnings: [`no rule leaves ${q} out, but the file holds ${q}.weight; it is read as unquantized`],
    });
  });

  it.each(['head', 'router'] as const)('a %s follows the file', (role) => {
    expect(parse(['x.weight']).linearScheme(linear('x', { role }))).toEqual({
      kind: 'unquantized',
      rule: `GPTQ leaves a ${role} as it is`,
      warnings: [],
    });
    expect(parse(['x.qweight']).linearScheme(linear('x', { role }))).toMatchObject({ kind: 'scheme', warnings: [] });
  });

  it.each([
    [true, 'lm_head.weight', 'lm_head is true, but the file holds lm_head.weight; the file counts'],
    [false, 'lm_head.qweight', 'lm_head is false, but the file holds lm_head.qweight; the file counts'],
  ])('lm_head: %s against %s', (lm_head, tensor, warning) => {
    const answer = parse([tensor], { lm_head }).linearScheme(linear('lm_head', { role: 'head' }));
    expect(answer).toMatchObject({ warnings: [warning] });
  });

  it('a head of other settings than the rest', () => {
    const dynamic = { lm_head: { bits: 8, group_size: 8, mse: 2.4 } };
    const shapes: Shapes = {
      'lm_head.qweight': ['I32', [2, 8]],
      'lm_head.qzeros': ['I32', [1, 2]],
      'lm_head.scales': ['F16', [1, 8]],
    };
    expect(
      describeModule({ ...usual, lm_head: true, dynamic }, shapes, linear('lm_head', { role: 'head' })),
    ).toMatchObject({ scheme: 'w8a16', weight: { scales: [{ block: [1, 8] }] } });
  });

  it('a tied head has no tensors, unless it is quantized', () => {
    const head = linear('lm_head', { role: 'head', tiedTo: 'model.embed_tokens' });
    expect(parse([]).linearScheme(head)).toEqual({ kind: 'unquantized', rule: 'tied to model.embed_tokens' });
    expect(parse(['lm_head.qweight']).linearScheme(head)).toMatchObject({ kind: 'scheme' });
  });

  it('tensors of a Marlin file are refused by name', () => {
    expect(parse([`${q}.B`]).linearScheme(linear(q))).toEqual({
      kind: 'refused',
      refusal: {
        by: 'gptq',
        code: 'FORMAT',
        message: `${q}: the file holds ${q}.B: weights already permuted for the Marlin GPU kernel`,
        hint: 'use the gptq export of the same model',
      },
    });
  });
});

describe('biases of zeros that the architecture does not have', () => {
  const bias = (dtype: 'F16' | 'I32', size: number): Shapes => ({ ...tensorsOfA, 'a.bias': [dtype, [size]] });

  it('are left aside where they are zero', () => {
    expect([...closeBooks(usual, bias('F16', 8)).unused]).toEqual([
      ['a.bias', expect.objectContaining({ onlyZeros: true, reason: expect.stringContaining('old AutoGPTQ') })],
    ]);
  });

  it.each([
    ['of another size', bias('F16', 4)],
    ['of integers', bias('I32', 8)],
    ['of no quantized module', { ...tensorsOfA, 'b.bias': ['F16', [8]] } as Shapes],
  ])('not %s', (_, shapes) => {
    expect(() => describeModule(usual, shapes)).toThrow('expected every tensor to belong to a module of the model');
  });
});

describe('other kinds', () => {
  it('experts are linears', () => {
    const block = {
      kind: 'moe',
      name: 'model.layers.0.mlp.experts',
      numExperts: 2,
      hiddenSize: 8,
      intermediateSize: 8,
      projections: { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' },
    } as const;
    const names = [0, 1].flatMap((expert) =>
      Object.values(block.projections).map((name) => `${block.name}.${expert}.${name}`),
    );
    const answer = parse(names.map((name) => `${name}.qweight`)).moeScheme(block);
    expect(answer).toMatchObject({ kind: 'scheme', scheme: { name: 'w4a16' } });
  });

  it('embeddings are unquantized, or refused', () => {
    const embedding = { kind: 'embedding', name: 'e', vocabSize: 8, hiddenSize: 8 } as const;
    expect(parse(['e.weight']).embeddingScheme(embedding)).toEqual({
      kind: 'unquantized',
      rule: 'the file holds e.weight',
    });
    expect(parse(['e.qweight']).embeddingScheme(embedding)).toEqual({
      kind: 'refused',
      refusal: {
        by: 'gptq',
        code: 'EMBEDDING',
        message: 'e: quantized embeddings are not supported; the file holds e.qweight',
      },
    });
  });

  it('the KV cache is unquantized', () => {
    expect(parse([]).kvCacheScheme({ kind: 'kvCache', name: 'c', numKvHeads: 1, headSize: 8 })).toEqual({
      kind: 'unquantized',
      rule: 'GPTQ does not quantize the KV cache',
    });
  });
});
