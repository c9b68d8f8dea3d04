import type { JsonObject, ModuleSpec } from '@lowbit/core';

/**
 * The modules of a Llama-like decoder (Llama, Mistral, Qwen2, Qwen3; Mixtral and Qwen3 with experts in every layer) by
 * its `config.json`, and by its tensors where these have had several names: fixtures need no model definition. Other
 * architectures: pass `modules` to the suite.
 * @throws Error for a field that is missing
 */
export function decoderModules(config: JsonObject, tensors: Iterable<string> = []): readonly ModuleSpec[] {
  const hiddenSize = count(config, 'hidden_size');
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
  const w123 = [...tensors].some((name) => name.includes('.experts.0.w1.'));
  const feedForward = (layer: string): readonly ModuleSpec[] => {
    if (config.num_experts_per_tok === undefined) {
      const intermediateSize = count(config, 'intermediate_size');
      return [
        linear(`${layer}.mlp.gate_proj`, intermediateSize, hiddenSize, false),
        linear(`${layer}.mlp.up_proj`, intermediateSize, hiddenSize, false),
        linear(`${layer}.mlp.down_proj`, hiddenSize, intermediateSize, false),
      ];
    }
    const [block, size] =
      config.model_type === 'mixtral' ? ['block_sparse_moe', 'intermediate_size'] : ['mlp', 'moe_intermediate_size'];
    const numExperts = count(config, config.num_experts === undefined ? 'num_local_experts' : 'num_experts');
    const projections = w123
      ? { gate: 'w1', up: 'w3', down: 'w2' }
      : { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' };
    const intermediateSize = count(config, size!);
    return [
      { ...linear(`${layer}.${block}.gate`, numExperts, hiddenSize, false), role: 'router' } as ModuleSpec,
      { kind: 'moe', name: `${layer}.${block}.experts`, numExperts, hiddenSize, intermediateSize, projections },
    ];
  };
  const layer = (index: number): readonly ModuleSpec[] => {
    const attention = `model.layers.${index}.self_attn`;
    const headNorms = String(config.model_type).startsWith('qwen3') ? ['q_norm', 'k_norm'] : [];
    return [
      norm(`model.layers.${index}.input_layernorm`, hiddenSize),
      linear(`${attention}.q_proj`, numHeads * headSize, hiddenSize, qkvBias),
      linear(`${attention}.k_proj`, numKvHeads * headSize, hiddenSize, qkvBias),
      linear(`${attention}.v_proj`, numKvHeads * headSize, hiddenSize, qkvBias),
      ...headNorms.map((name) => norm(`${attention}.${name}`, headSize)),
      { kind: 'kvCache', name: attention, numKvHeads, headSize },
      linear(`${attention}.o_proj`, hiddenSize, numHeads * headSize, attentionBias),
      norm(`model.layers.${index}.post_attention_layernorm`, hiddenSize),
      ...feedForward(`model.layers.${index}`),
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
