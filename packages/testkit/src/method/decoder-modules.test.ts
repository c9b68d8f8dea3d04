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

  it('says which field is missing', () => {
    expect(() => decoderModules({ ...llama, vocab_size: '32' })).toThrow(
      'config.json: vocab_size: expected a positive integer, found "32"; pass modules',
    );
  });
});
