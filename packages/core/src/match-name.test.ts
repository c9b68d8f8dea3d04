import { describe, expect, it } from 'vitest';
import { findPattern, matchName, type NamePattern, surprises } from './match-name.ts';

const layer = 'model.layers.3.self_attn.o_proj';

describe('matchName', () => {
  it.each<[NamePattern['kind'], string, string, boolean]>([
    ['exact', 'lm_head', 'lm_head', true],
    ['exact', 'lm_head', 'language_model.lm_head', false],
    ['suffix', 'lm_head', 'language_model.lm_head', true],
    ['suffix', 'head', 'lm_head', false],
    ['subtree', 'model.layers.3', layer, true],
    ['subtree', 'model.layers.3', 'model.layers.3', true],
    ['subtree', 'model.layers.3', 'model.layers.30.mlp.up_proj', false],
    ['segments', 'self_attn.o_proj', layer, true],
    ['segments', 'attn.o_proj', layer, false],
    ['segments', 'o_proj', layer, true],
    ['segments', 'model', layer, true],
    ['substring', 'attn.o', layer, true],
    ['substring', 'q_proj', layer, false],
    ['glob', 'model.layers.*.o_proj', layer, true],
    ['glob', '*.o_proj', layer, true],
    ['glob', 'layers.*', layer, false],
    ['glob', 'model.layers.?.self_attn.o_proj', layer, true],
    ['glob', 'model.layers.?.self_attn.o_proj', 'model.layers.12.self_attn.o_proj', false],
    ['glob', 'model[layers]', 'modell', false],
    ['glob', 'a+b', 'a+b', true],
    ['regex', 'model\\.layers\\.\\d+', layer, true],
    ['regex', 'layers', layer, false],
    ['regex', '.*o_proj$', layer, true],
    ['regex', 'model\\.layers\\.[0-3]', layer, true],
    ['fullRegex', 'model\\.layers\\.[0-3]', layer, false],
    ['fullRegex', '.*\\.(?:q|o)_proj', layer, true],
  ])('%s %s covers %s: %s', (kind, text, name, expected) => {
    expect(matchName({ kind, text }, name)).toBe(expected);
  });

  it.each(['regex', 'fullRegex'] as const)('%s throws for an expression that does not compile', (kind) => {
    expect(() => matchName({ kind, text: 'a(' }, layer)).toThrow(
      'regular expression "a(", character 2: "(" without ")"',
    );
  });

  it('answers at once whatever the pattern', () => {
    const name = 'a'.repeat(2000);
    expect(matchName({ kind: 'glob', text: `${'*a'.repeat(50)}b` }, name)).toBe(false);
    expect(matchName({ kind: 'regex', text: '(a|a?)+$b' }, name)).toBe(false);
  });
});

describe('surprises', () => {
  // A skip list that means the router, as published files write it.
  it.each([
    ['gate', 'model.layers.0.mlp.gate_up_proj', true, true],
    ['gate', 'model.layers.0.block_sparse_moe.gate', true, false],
    ['gate', 'model.layers.0.self_attn.q_proj', false, false],
    ['mlp.gate', 'model.layers.0.mlp.gate_proj', true, true],
    ['mlp.gate', 'model.layers.0.mlp.gate', true, false],
    ['mlp.gate', 'model.layers.0.mlp.experts.3.gate_proj', false, false],
  ])('substring %s on %s: covers %s, surprises %s', (text, name, covers, surprising) => {
    const pattern = { kind: 'substring', text } as const;
    expect(matchName(pattern, name)).toBe(covers);
    expect(surprises(pattern, name)).toBe(surprising);
  });

  it('never for rules that look at whole segments', () => {
    expect(surprises({ kind: 'segments', text: 'o_proj' }, layer)).toBe(false);
  });
});

describe('findPattern', () => {
  it('gives the first rule that covers the name', () => {
    const rules = [
      { kind: 'exact', text: 'lm_head' },
      { kind: 'substring', text: 'o_proj' },
      { kind: 'substring', text: 'attn' },
    ] as const;
    expect(findPattern(rules, layer)).toBe(rules[1]);
    expect(findPattern(rules, 'model.norm')).toBeUndefined();
  });
});
