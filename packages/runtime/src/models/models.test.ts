import type { LinearSpec, Operation } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { findModel } from './find-model.ts';

const base = {
  vocab_size: 64,
  hidden_size: 128,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  max_position_embeddings: 512,
  hidden_act: 'silu',
  num_experts: 4,
  num_experts_per_tok: 2,
  moe_intermediate_size: 96,
  shared_expert_intermediate_size: 160,
};

function programOf(config: Readonly<Record<string, unknown>>) {
  return findModel(config).program({ config: { ...base, ...config }, tensors: new Map() });
}

function biased(config: Readonly<Record<string, unknown>>): readonly string[] {
  const linears = programOf(config).modules.filter((module): module is LinearSpec => module.kind === 'linear');
  const names = linears.filter(({ hasBias }) => hasBias).map(({ name }) => name.split('.').at(-1)!);
  return [...new Set(names)];
}

function windows(config: Readonly<Record<string, unknown>>): readonly (number | undefined)[] {
  return programOf(config).operations.flatMap((operation) =>
    operation.kind === 'attention' ? [operation.slidingWindow] : [],
  );
}

describe('model definitions', () => {
  it.each(['llama', 'mistral', 'mixtral', 'qwen2', 'qwen2_moe', 'qwen3', 'qwen3_moe'])(
    '%s: every operation uses known values and modules',
    (model_type) => {
      const { modules, operations, values } = programOf({ model_type });
      const names = new Set(modules.map(({ name }) => name));
      expect(names.size).toBe(modules.length);
      const usedModules = operations.flatMap(modulesOf);
      expect(new Set(usedModules)).toEqual(names);
      for (const value of operations.flatMap(valuesOf)) expect(values).toHaveProperty(value);
    },
  );

  it('put biases where each architecture has them', () => {
    expect(biased({ model_type: 'llama' })).toEqual([]);
    expect(biased({ model_type: 'llama', attention_bias: true })).toEqual(['q_proj', 'k_proj', 'v_proj', 'o_proj']);
    expect(biased({ model_type: 'llama', mlp_bias: true })).toEqual(['gate_proj', 'up_proj', 'down_proj']);
    expect(biased({ model_type: 'mistral' })).toEqual([]);
    expect(biased({ model_type: 'qwen2' })).toEqual(['q_proj', 'k_proj', 'v_proj']);
    expect(biased({ model_type: 'qwen3' })).toEqual([]);
  });

  it('normalize queries and keys per head in qwen3 only', () => {
    const heads = (model_type: string) =>
      programOf({ model_type }).modules.filter(({ name }) => name.endsWith('q_norm'));
    expect(heads('qwen3')).toMatchObject([{ size: 32 }, { size: 32 }]);
    expect(heads('qwen2')).toEqual([]);
  });

  it('tie the head to the embedding where the file says so', () => {
    const head = (config: object) => programOf({ model_type: 'qwen2', ...config }).modules.at(-1);
    expect(head({ tie_word_embeddings: true })).toMatchObject({ name: 'lm_head', tiedTo: 'model.embed_tokens' });
    expect(head({ tie_word_embeddings: false })).not.toHaveProperty('tiedTo');
  });

  it('derive the head size where the file has none', () => {
    const program = programOf({ model_type: 'qwen2', head_dim: null });
    expect(program.operations.find(({ kind }) => kind === 'attention')).toMatchObject({
      headSize: 32,
      scale: 1 / Math.sqrt(32),
    });
  });

  it('read sliding windows in every spelling', () => {
    expect(windows({ model_type: 'mistral', sliding_window: 64 })).toEqual([64, 64]);
    expect(windows({ model_type: 'mistral', sliding_window: null })).toEqual([undefined, undefined]);
    expect(windows({ model_type: 'mistral' })).toEqual([4096, 4096]);
    expect(windows({ model_type: 'qwen2', sliding_window: 64 })).toEqual([undefined, undefined]);
    expect(
      windows({ model_type: 'qwen2', sliding_window: 64, use_sliding_window: true, max_window_layers: 1 }),
    ).toEqual([undefined, 64]);
    expect(
      windows({
        model_type: 'qwen3',
        sliding_window: 64,
        use_sliding_window: true,
        layer_types: ['sliding_attention', 'full_attention'],
      }),
    ).toEqual([64, undefined]);
  });

  it('route as each architecture does', () => {
    const moe = (config: object) =>
      programOf(config as Record<string, unknown>).operations.find(({ kind }) => kind === 'moe');
    const softmax = { topK: 2, scoring: 'softmax', scale: 1 };
    expect(moe({ model_type: 'mixtral' })).toMatchObject({ ...softmax, normalize: true });
    expect(moe({ model_type: 'qwen3_moe', norm_topk_prob: true })).toMatchObject({ ...softmax, normalize: true });
    expect(moe({ model_type: 'qwen2_moe' })).toMatchObject({ ...softmax, normalize: false });
  });

  it('have experts in the layers that the file says', () => {
    const blocks = (config: object) =>
      programOf({ model_type: 'qwen3_moe', num_hidden_layers: 4, ...config }).modules.flatMap(({ kind, name }) =>
        kind === 'moe' ? [name] : [],
      );
    expect(blocks({ decoder_sparse_step: 2 })).toEqual(['model.layers.1.mlp.experts', 'model.layers.3.mlp.experts']);
    expect(blocks({ mlp_only_layers: [0, 3] })).toEqual(['model.layers.1.mlp.experts', 'model.layers.2.mlp.experts']);
  });

  it('find the names of Mixtral\u2019s experts in the file', () => {
    const block = (...names: readonly string[]) => {
      const ref = { name: '', dtype: 'BF16', shape: [1], file: '', start: 0, end: 2 } as const;
      const tensors = new Map(names.map((name) => [`model.layers.0.${name}`, ref]));
      const config = { ...base, model_type: 'mixtral' };
      return findModel(config)
        .program({ config, tensors })
        .modules.find(({ kind }) => kind === 'moe');
    };
    const newer = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' };
    expect(block('block_sparse_moe.experts.0.w1.qweight')).toMatchObject({
      name: 'model.layers.0.block_sparse_moe.experts',
      projections: { gate: 'w1', up: 'w3', down: 'w2' },
    });
    expect(block('block_sparse_moe.experts.0.gate_proj.weight_packed')).toMatchObject({ projections: newer });
    expect(block('mlp.experts.0.gate_proj.qweight')).toMatchObject({
      name: 'model.layers.0.mlp.experts',
      projections: newer,
    });
    expect(block('mlp.experts.gate_up_proj')).toMatchObject({ name: 'model.layers.0.mlp.experts' });
  });

  it.each([
    [{ model_type: undefined }, 'config.json: model_type: expected the name of an architecture, found nothing'],
    [
      { model_type: 'mamba' },
      'config.json: model_type "mamba" is not supported\n  runtime: architectures that run: deepseek_v2, deepseek_v3, llama, mistral,',
    ],
    [{ model_type: 'llama', hidden_act: 'gelu' }, 'config.json: hidden_act "gelu" is not supported'],
    [
      { model_type: 'llama', num_key_value_heads: 3 },
      'config.json: num_attention_heads: expected a multiple of num_key_value_heads (3), found 4',
    ],
    [{ model_type: 'llama', hidden_size: '128' }, 'config.json: hidden_size: '],
    [
      { model_type: 'mixtral', num_experts: undefined },
      'config.json: num_local_experts: expected a whole number above 0, found nothing',
    ],
    [
      { model_type: 'mixtral', num_experts_per_tok: 5 },
      'config.json: num_experts_per_tok: expected at most the 4 experts there are, found 5',
    ],
    [{ model_type: 'llama', vocab_size: -5 }, 'config.json: vocab_size: '],
  ])('say what is wrong with %j', (config, message) => {
    expect(() => programOf(config)).toThrow(message);
  });
});

function modulesOf(operation: Operation): readonly string[] {
  switch (operation.kind) {
    case 'embedding':
    case 'rms-norm':
    case 'moe':
    case 'logits':
      return [operation.module];
    case 'linear':
      return operation.parts.map(({ module }) => module);
    case 'attention':
      return [operation.cache];
    default:
      return [];
  }
}

function valuesOf(operation: Operation): readonly string[] {
  const { kind: _kind, ...fields } = operation;
  const named = ['input', 'output', 'query', 'key', 'value', 'gate', 'up', 'left', 'right', 'routerLogits'] as const;
  const direct = named.flatMap((name) => (name in fields ? [(fields as Record<string, string>)[name]!] : []));
  if (operation.kind === 'linear') return [...direct, ...operation.parts.map(({ output }) => output)];
  if (operation.kind === 'rope') return [...direct, ...operation.values];
  return direct;
}
