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
};

function programOf(config: Readonly<Record<string, unknown>>) {
  return findModel(config).program({ ...base, ...config });
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
  it.each(['llama', 'mistral', 'qwen2', 'qwen3'])('%s: every operation uses known values and modules', (model_type) => {
    const { modules, operations, values } = programOf({ model_type });
    const names = new Set(modules.map(({ name }) => name));
    expect(names.size).toBe(modules.length);
    const usedModules = operations.flatMap(modulesOf);
    expect(new Set(usedModules)).toEqual(names);
    for (const value of operations.flatMap(valuesOf)) expect(values).toHaveProperty(value);
  });

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

  it.each([
    [{ model_type: undefined }, 'config.json: model_type: expected the name of an architecture, found nothing'],
    [
      { model_type: 'mamba' },
      'config.json: model_type "mamba" is not supported\n  runtime: architectures that run: llama, mistral, qwen2, qwen3',
    ],
    [{ model_type: 'llama', hidden_act: 'gelu' }, 'config.json: hidden_act "gelu" is not supported'],
    [
      { model_type: 'llama', num_key_value_heads: 3 },
      'config.json: num_attention_heads: expected a multiple of num_key_value_heads (3), found 4',
    ],
    [{ model_type: 'llama', hidden_size: '128' }, 'config.json: hidden_size: '],
    [{ model_type: 'llama', vocab_size: -5 }, 'config.json: vocab_size: '],
  ])('say what is wrong with %j', (config, message) => {
    expect(() => programOf(config)).toThrow(message);
  });
});

function modulesOf(operation: Operation): readonly string[] {
  switch (operation.kind) {
    case 'embedding':
    case 'rms-norm':
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
  const named = ['input', 'output', 'query', 'key', 'value', 'gate', 'up', 'left', 'right'] as const;
  const direct = named.flatMap((name) => (name in fields ? [(fields as Record<string, string>)[name]!] : []));
  if (operation.kind === 'linear') return [...direct, ...operation.parts.map(({ output }) => output)];
  if (operation.kind === 'rope') return [...direct, ...operation.values];
  return direct;
}
