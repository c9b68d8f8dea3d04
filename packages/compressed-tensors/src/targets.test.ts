import { ConfigError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { sectionOf } from './__fixtures__/checkpoint.ts';
import { embeddingClasses, findIgnored, linearClasses, readEntries, targetFinder } from './targets.ts';

function entries(...texts: string[]) {
  return readEntries(sectionOf({ list: texts }), 'list') ?? [];
}

function decides(texts: readonly string[], name: string, classes: readonly string[] = linearClasses) {
  return targetFinder(entries(...texts).map((entry) => ({ entry })))({ name, classes })?.entry.text;
}

const q = 'model.layers.0.self_attn.q_proj';

describe('targets', () => {
  it.each<[string[], string | undefined]>([
    [['Linear', 're:.*q_proj$', q], q],
    [['Linear', 're:.*q_proj$'], 're:.*q_proj$'],
    [['re:model.*', 're:.*q_proj', 'Linear'], 're:.*q_proj'],
    [['re:.*self_attn', 're:.*q_proj'], 're:.*q_proj'],
    [['Linear'], 'Linear'],
    [['LinearBase', 'Linear'], 'Linear'],
    [['Embedding'], undefined],
    [['linear'], undefined],
    [['Lin'], undefined],
    [['q_proj'], undefined],
    [['re:q_proj'], undefined],
    [['re:.*k_proj'], undefined],
    [[], undefined],
  ])('%j: %s decides', (texts, expected) => {
    expect(decides(texts, q)).toBe(expected);
  });

  it('an expression is anchored at the start only', () => {
    expect(decides(['re:.*mlp.gate'], 'model.layers.0.mlp.gate_up_proj')).toBe('re:.*mlp.gate');
    expect(decides(['re:.*mlp\\.gate$'], 'model.layers.0.mlp.gate_up_proj')).toBeUndefined();
  });

  it('a class is the module kind', () => {
    expect(decides(['Linear'], 'model.embed_tokens', embeddingClasses)).toBeUndefined();
    expect(decides(['Embedding'], 'model.embed_tokens', embeddingClasses)).toBe('Embedding');
  });
});

describe('ignore', () => {
  const ignored = (texts: readonly string[], name: string, classes: readonly string[] = linearClasses) =>
    findIgnored(entries(...texts), { name, classes });

  it.each<[string[], string, string | undefined]>([
    [['lm_head'], 'lm_head', 'lm_head'],
    [['lm_head'], 'language_model.lm_head', 'lm_head'],
    [['head'], 'lm_head', undefined],
    [['re:.*down_proj'], 'model.layers.0.mlp.down_proj', 're:.*down_proj'],
    [['re:down_proj'], 'model.layers.0.mlp.down_proj', undefined],
    [['Linear'], q, 'Linear'],
    [[`${q}.linear`], q, `${q}.linear`],
    [['model.layers.0.mlp.experts.0'], 'model.layers.0.mlp.experts.0.gate_proj', undefined],
    [['model.layers.0.mlp.gate'], 'model.layers.0.mlp.gate_up_proj', undefined],
    [['model.layers.0.mlp.gate'], 'model.layers.0.mlp.gate', 'model.layers.0.mlp.gate'],
    [[], q, undefined],
  ])('%j, %s: %s', (texts, name, expected) => {
    expect(ignored(texts, name)).toBe(expected);
  });
});

describe('rejects', () => {
  it.each<[unknown, string]>([
    [['re:('], 'expected regular expressions that can be read, found ["re:("]'],
    [['re:(?<=a)b'], 'expected regular expressions that can be read'],
    ['Linear', 'expected a list of names, found "Linear"'],
    [['Linear', 7], 'expected a list of names, found ["Linear",7]'],
  ])('%j', (list, message) => {
    const read = () => readEntries(sectionOf({ list }), 'list');
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(`config.json: quantization_config.config_groups.group_0.weights.list: ${message}`);
  });
});
