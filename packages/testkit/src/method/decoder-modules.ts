import type { JsonObject, ModuleSpec } from '@lowbit/core';

/**
 * The modules of a Llama-like decoder (Llama, Mistral, Qwen2, Qwen3) by its `config.json`: fixtures need no model
 * definition. Other architectures: pass `modules` to the suite.
 * @throws Error for a field that is missing
 */
export function decoderModules(config: JsonObject): readonly ModuleSpec[] {
  const hiddenSize = count(config, 'hidden_size');
  const intermediateSize = count(config, 'intermediate_size');
  const vocabSize = count(config, 'vocab_size');
  const numHeads = count(config, 'num_attention_heads');
  const numKvHeads = config.num_key_value_heads === undefined ? numHeads : count(config, 'num_key_value_heads');
  const headSize = config.head_dim === undefined ? hiddenSize / numHeads : count(config, 'head_dim');
  const attentionBias = config.attention_bias === true;
  const qkvBias = attentionBias || config.model_type === 'qwen2';

  const norm = (name: string, size: number): ModuleSpec => ({ kind: 'norm', name, size });
  const linear = (name: string, outFeatures: number, inFeatures: number, hasBias: boolean): ModuleSpec => ({
    kind: 'linear',
    name,
    outFeatures,
    inFeatures,
    hasBias,
    role: 'projection',
  });
  const layer = (index: number): readonly ModuleSpec[] => {
    const attention = `model.layers.${index}.self_attn`;
    const mlp = `model.layers.${index}.mlp`;
    const headNorms = config.model_type === 'qwen3' ? ['q_norm', 'k_norm'] : [];
    return [
      norm(`model.layers.${index}.input_layernorm`, hiddenSize),
      linear(`${attention}.q_proj`, numHeads * headSize, hiddenSize, qkvBias),
      linear(`${attention}.k_proj`, numKvHeads * headSize, hiddenSize, qkvBias),
      linear(`${attention}.v_proj`, numKvHeads * headSize, hiddenSize, qkvBias),
      ...headNorms.map((name) => norm(`${attention}.${name}`, headSize)),
      { kind: 'kvCache', name: attention, numKvHeads, headSize },
      linear(`${attention}.o_proj`, hiddenSize, numHeads * headSize, attentionBias),
      norm(`model.layers.${index}.post_attention_layernorm`, hiddenSize),
      linear(`${mlp}.gate_proj`, intermediateSize, hiddenSize, false),
      linear(`${mlp}.up_proj`, intermediateSize, hiddenSize, false),
      linear(`${mlp}.down_proj`, hiddenSize, intermediateSize, false),
    ];
  };
  const embedding = 'model.embed_tokens';
  return [
    { kind: 'embedding', name: embedding, vocabSize, hiddenSize },
    ...Array.from({ length: count(config, 'num_hidden_layers') }, (_, index) => layer(index)).flat(),
    norm('model.norm', hiddenSize),
    {
      kind: 'linear',
      name: 'lm_head',
      outFeatures: vocabSize,
      inFeatures: hiddenSize,
      hasBias: false,
      role: 'head',
      ...(config.tie_word_embeddings === true ? { tiedTo: embedding } : {}),
    },
  ];
}

function count(config: JsonObject, field: string): number {
  const value = config[field];
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw new Error(`config.json: ${field}: expected a positive integer, found ${JSON.stringify(value)}; pass modules`);
}
