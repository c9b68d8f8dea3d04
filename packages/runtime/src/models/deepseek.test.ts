import type { JsonObject, LinearSpec, Operation } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { findModel } from './find-model.ts';

const v2 = {
  model_type: 'deepseek_v2',
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 48,
  moe_intermediate_size: 16,
  num_hidden_layers: 3,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  n_routed_experts: 8,
  n_shared_experts: 2,
  num_experts_per_tok: 3,
  n_group: 4,
  topk_group: 2,
  topk_method: 'group_limited_greedy',
  routed_scaling_factor: 16,
  q_lora_rank: 24,
  kv_lora_rank: 20,
  qk_nope_head_dim: 12,
  qk_rope_head_dim: 8,
  v_head_dim: 10,
  first_k_dense_replace: 1,
  max_position_embeddings: 128,
};
const v3 = { ...v2, model_type: 'deepseek_v3', topk_method: 'noaux_tc', scoring_func: 'sigmoid' };

function programOf(config: JsonObject) {
  return findModel(config).program({ config, tensors: new Map() });
}

function operationsOf<Kind extends Operation['kind']>(config: JsonObject, kind: Kind) {
  return programOf(config).operations.filter(
    (operation): operation is Extract<Operation, { kind: Kind }> => operation.kind === kind,
  );
}

function namesOf(config: JsonObject, select: (linear: LinearSpec) => boolean): readonly string[] {
  const linears = programOf(config).modules.filter((module) => module.kind === 'linear');
  return [...new Set(linears.filter(select).map(({ name }) => name.split('.').slice(3).join('.')))];
}

describe('DeepSeek models', () => {
  it('choose experts as each version does', () => {
    const choice = { topK: 3, scale: 16 };
    const [first] = operationsOf(v2, 'moe');
    expect(first).toMatchObject({ ...choice, scoring: 'softmax', normalize: false });
    expect(first?.groups).toEqual({ count: 4, chosen: 2, score: 'largest' });
    expect(first).not.toHaveProperty('choiceBias');
    expect(operationsOf({ ...v2, topk_method: 'greedy' }, 'moe')[0]).not.toHaveProperty('groups');
    expect(operationsOf(v3, 'moe')[0]).toMatchObject({
      ...choice,
      scoring: 'sigmoid',
      normalize: true,
      groups: { count: 4, chosen: 2, score: 'two-largest' },
      choiceBias: 'model.layers.1.mlp.gate.e_score_correction_bias',
    });
    expect(operationsOf({ ...v3, norm_topk_prob: false }, 'moe')[0]).toMatchObject({ normalize: false });
    expect(operationsOf({ ...v3, n_group: 1, topk_group: 1 }, 'moe')[0]).not.toHaveProperty('groups');
  });

  it('have experts in the layers that the file says, and one shared expert as wide as all of them', () => {
    const blocks = (config: JsonObject) => operationsOf(config, 'moe').map(({ module }) => module);
    expect(blocks(v2)).toEqual(['model.layers.1.mlp.experts', 'model.layers.2.mlp.experts']);
    expect(blocks({ ...v2, moe_layer_freq: 2 })).toEqual(['model.layers.2.mlp.experts']);
    expect(blocks({ ...v2, first_k_dense_replace: 0, moe_layer_freq: 2 })).toEqual([
      'model.layers.0.mlp.experts',
      'model.layers.2.mlp.experts',
    ]);
    const shared = (config: JsonObject) =>
      programOf(config).modules.find(({ name }) => name === 'model.layers.1.mlp.shared_experts.up_proj');
    expect(shared(v2)).toMatchObject({ outFeatures: 2 * 16, inFeatures: 32 });
    expect(shared({ ...v2, n_shared_experts: null })).toBeUndefined();
  });

  it('project queries in one step or two, with biases where the file says so', () => {
    const isAttention = ({ name }: LinearSpec) => name.includes('self_attn');
    const rest = ['self_attn.kv_b_proj', 'self_attn.o_proj'];
    expect(namesOf(v2, isAttention)).toEqual([
      'self_attn.q_a_proj',
      'self_attn.kv_a_proj_with_mqa',
      'self_attn.q_b_proj',
      ...rest,
    ]);
    expect(namesOf({ ...v2, q_lora_rank: null }, isAttention)).toEqual([
      'self_attn.q_proj',
      'self_attn.kv_a_proj_with_mqa',
      ...rest,
    ]);
    expect(namesOf(v2, ({ hasBias }) => hasBias)).toEqual([]);
    const biased = { ...v2, attention_bias: true };
    const reached = ['self_attn.kv_a_proj_with_mqa', 'self_attn.o_proj'];
    expect(namesOf(biased, ({ hasBias }) => hasBias)).toEqual(['self_attn.q_a_proj', ...reached]);
    expect(namesOf({ ...biased, q_lora_rank: null }, ({ hasBias }) => hasBias)).toEqual(reached);
  });

  it('turn the last features of a query, and the one key of all heads', () => {
    const [query, key] = operationsOf(v2, 'rope');
    expect(query).toMatchObject({ values: ['query'], headSize: 20, offset: 12, interleaved: true });
    expect(key).toMatchObject({ values: ['rotatedKey'], headSize: 8, interleaved: true });
    expect(query?.inverseFrequencies).toHaveLength(4);
    expect(operationsOf({ ...v3, rope_interleave: false }, 'rope')[0]).not.toHaveProperty('interleaved');
  });

  it('scale by the size of keys, and by YaRN where the file gives mscale_all_dim', () => {
    const scaleOf = (config: JsonObject) => operationsOf(config, 'attention')[0]?.scale;
    expect(scaleOf(v2)).toBeCloseTo(20 ** -0.5, 12);
    const yarn = { type: 'yarn', factor: 40, original_max_position_embeddings: 32 };
    expect(scaleOf({ ...v2, rope_scaling: yarn })).toBeCloseTo(20 ** -0.5, 12);
    const magnitude = 0.1 * 0.7 * Math.log(40) + 1;
    const scaled = 20 ** -0.5 * magnitude ** 2;
    expect(scaleOf({ ...v2, rope_scaling: { ...yarn, mscale: 1, mscale_all_dim: 0.7 } })).toBeCloseTo(scaled, 12);
    const newer = { ...yarn, type: undefined, rope_type: 'yarn', rope_theta: 10_000, mscale_all_dim: 0.7 };
    expect(scaleOf({ ...v2, rope_parameters: newer })).toBeCloseTo(scaled, 12);
  });

  const number = 'expected a whole number above 0, found nothing';
  it.each<[JsonObject, string]>([
    ...[
      'kv_lora_rank',
      'q_lora_rank',
      'qk_nope_head_dim',
      'qk_rope_head_dim',
      'v_head_dim',
      'n_routed_experts',
      'num_experts_per_tok',
      'moe_intermediate_size',
      'n_shared_experts',
      'n_group',
      'topk_group',
      'num_attention_heads',
    ].map((field): [JsonObject, string] => [{ ...v3, [field]: undefined }, `${field}: ${number}`]),
    [{ ...v2, n_shared_experts: 0 }, 'n_shared_experts: expected a whole number above 0, found 0'],
    [{ ...v2, moe_layer_freq: 0.5 }, 'moe_layer_freq: expected a whole number above 0, found 0.5'],
    [{ ...v2, qk_rope_head_dim: 7 }, 'qk_rope_head_dim: expected an even number, found 7'],
    [{ ...v2, num_key_value_heads: 1 }, 'num_key_value_heads: expected num_attention_heads (2), found 1'],
    [
      { ...v2, first_k_dense_replace: undefined },
      'first_k_dense_replace: expected a whole number, 0 or more, found nothing',
    ],
    [{ ...v2, first_k_dense_replace: -1 }, 'first_k_dense_replace: expected a whole number, 0 or more, found -1'],
    [{ ...v2, routed_scaling_factor: 0 }, 'routed_scaling_factor: expected a positive number, found 0'],
    [{ ...v2, attention_bias: 1 }, 'attention_bias: expected true or false, found 1'],
    [{ ...v3, rope_interleave: 'yes' }, 'rope_interleave: expected true or false, found "yes"'],
    [{ ...v3, norm_topk_prob: 2 }, 'norm_topk_prob: expected true or false, found 2'],
    [{ ...v3, n_group: 3 }, 'n_routed_experts: expected a multiple of n_group (3), found 8'],
    [{ ...v3, topk_group: 5 }, 'topk_group: expected at most the 4 groups there are, found 5'],
    [{ ...v3, num_experts_per_tok: 9 }, 'num_experts_per_tok: expected at most the 8 experts there are, found 9'],
    [
      { ...v3, num_experts_per_tok: 5 },
      'num_experts_per_tok: expected at most the 4 experts of topk_group groups, found 5',
    ],
    [
      { ...v3, rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 32, mscale_all_dim: -1 } },
      'rope_scaling.mscale_all_dim: expected a positive number, found -1',
    ],
    [
      { ...v2, topk_method: 'random' },
      'topk_method "random" is not supported\n  deepseek: experts are chosen by greedy or group_limited_greedy',
    ],
    [
      { ...v3, topk_method: 'greedy' },
      'topk_method "greedy" is not supported\n  deepseek: experts are chosen by noaux_tc',
    ],
    [
      { ...v3, scoring_func: 'softmax' },
      'scoring_func "softmax" is not supported\n  deepseek: experts are chosen by sigmoid',
    ],
    [
      { ...v2, norm_topk_prob: true },
      'norm_topk_prob true is not supported\n  deepseek: for this architecture implementations disagree on what it means',
    ],
  ])('say what is wrong: %#', (config, message) => {
    expect(() => programOf(config)).toThrow(`config.json: ${message}`);
  });
});
