import { describe, expect, it } from 'vitest';
import { decoderModules } from './decoder-modules.ts';

const llama = {
  model_type: 'llama',
  hidden_size: 8,
  intermediate_size: 16,
  vocab_size: 32,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 2,
};

function find(config: object, name: string) {
  return decoderModules(config as Record<string, unknown>).find((module) => module.name === name);
}

describe('decoderModules', () => {
  it('lists every module once', () => {
    const names = decoderModules(llama).map(({ kind, name }) => `${kind} ${name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('norm model.layers.1.post_attention_layernorm');
    expect(names).toHaveLength(3 + 2 * 10);
  });

  it('knows sizes, biases and head norms', () => {
    const key = 'model.layers.0.self_attn.k_proj';
    expect(find(llama, key)).toMatchObject({ outFeatures: 4, inFeatures: 8, hasBias: false });
    expect(find({ ...llama, head_dim: 4 }, key)).toMatchObject({ outFeatures: 8 });
    expect(find({ ...llama, model_type: 'qwen2' }, key)).toMatchObject({ hasBias: true });
    expect(find({ ...llama, model_type: 'qwen2' }, 'model.layers.0.self_attn.o_proj')).toMatchObject({
      hasBias: false,
    });
    expect(find({ ...llama, attention_bias: true }, 'model.layers.0.self_attn.o_proj')).toMatchObject({
      hasBias: true,
    });
    expect(find({ ...llama, model_type: 'qwen3' }, 'model.layers.1.self_attn.q_norm')).toMatchObject({ size: 2 });
    expect(find(llama, 'model.layers.1.self_attn.q_norm')).toBeUndefined();
  });

  it('ties the head', () => {
    expect(find(llama, 'lm_head')).not.toHaveProperty('tiedTo');
    expect(find({ ...llama, tie_word_embeddings: true }, 'lm_head')).toMatchObject({ tiedTo: 'model.embed_tokens' });
  });

  it('knows blocks of experts in every layer, and two spellings of their names', () => {
    const experts = { ...llama, num_experts_per_tok: 1, num_local_experts: 4 };
    const mixtral = { ...experts, model_type: 'mixtral' };
    const block = 'model.layers.1.block_sparse_moe';
    expect(find(mixtral, `${block}.gate`)).toMatchObject({ role: 'router', outFeatures: 4, inFeatures: 8 });
    expect(find(mixtral, `${block}.experts`)).toMatchObject({
      numExperts: 4,
      intermediateSize: 16,
      projections: { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' },
    });
    expect(decoderModules(mixtral, [`${block}.experts.0.w1.weight`])).toContainEqual(
      expect.objectContaining({ name: `${block}.experts`, projections: { gate: 'w1', up: 'w3', down: 'w2' } }),
    );
    const qwen = { ...experts, model_type: 'qwen3_moe', num_experts: 3, moe_intermediate_size: 5 };
    expect(find(qwen, 'model.layers.0.mlp.experts')).toMatchObject({ numExperts: 3, intermediateSize: 5 });
    expect(find(qwen, 'model.layers.0.self_attn.k_norm')).toMatchObject({ size: 2 });
  });

  it('says which field is missing', () => {
    expect(() => decoderModules({ ...llama, vocab_size: '32' })).toThrow(
      'config.json: vocab_size: expected a positive integer, found "32"; pass modules',
    );
  });
});
