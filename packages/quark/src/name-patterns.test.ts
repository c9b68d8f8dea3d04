import { ConfigError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { excludePattern, layerPattern } from './name-patterns.ts';

const place = { file: 'config.json', field: 'quantization_config.exclude[0]' };

describe('layer patterns, as fnmatch', () => {
  it.each<[string, string, boolean]>([
    ['*q_proj', 'model.layers.0.self_attn.q_proj', true],
    ['*q_proj', 'q_proj.x', false],
    ['model.layers.0.mlp.down_proj', 'model.layers.0.mlp.down_proj', true],
    ['model.layers.0.mlp.down_proj', 'model.layers.0.mlp.down_proj.x', false],
    ['*.layers.1.mlp.*_proj', 'model.layers.1.mlp.up_proj', true],
    ['*.layers.?.mlp.*', 'model.layers.12.mlp.up_proj', false],
    ['*[qk]_proj', 'self_attn.k_proj', true],
    ['*[qk]_proj', 'self_attn.v_proj', false],
    ['*[!qk]_proj', 'self_attn.v_proj', true],
    ['*[!qk]_proj', 'self_attn.q_proj', false],
    ['layers.[0-3].x', 'layers.2.x', true],
    ['layers.[0-3].x', 'layers.4.x', false],
    ['a[.]b', 'a.b', true],
    ['a[.]b', 'axb', false],
    ['a[]]b', 'a]b', true],
    ['a[b', 'a[b', true],
    ['a.b', 'axb', false],
    ['a(b)+', 'a(b)+', true],
    ['[ab]*(c)', 'b.x(c)', true],
  ])('%s covers %s: %s', (pattern, name, expected) => {
    expect(layerPattern(pattern, place).covers(name)).toBe(expected);
  });
});

describe('exclude', () => {
  it.each<[string, string, boolean]>([
    ['lm_head', 'lm_head', true],
    ['lm_head', 'model.lm_head_x', false],
    ['lm_head', 'model.lm_head', false],
    // An entry also leaves out what is below it.
    ['model.layers.1', 'model.layers.1.mlp.up_proj', true],
    ['model.layers.1', 'model.layers.10.mlp.up_proj', false],
    ['b.*', 'b.x', true],
    ['b.*', 'b', false],
    ['*layers.1.self_attn*', 'model.layers.1.self_attn.q_proj', true],
    ['*layers.0.mlp.up_proj', 'model.layers.0.mlp.up_proj', true],
    ['re:.*gate$', 'model.layers.0.mlp.gate', true],
    ['re:.*gate$', 'model.layers.0.mlp.gate_proj', false],
    ['re:.*lm_head', 'model.lm_head_x', true],
    ['re:lm_head', 'model.lm_head', false],
    ['re:(?P<head>lm)_head\\Z', 'lm_head', true],
  ])('%s covers %s: %s', (entry, name, expected) => {
    expect(excludePattern(entry, place).covers(name)).toBe(expected);
  });

  it('says which regular expression cannot be read', () => {
    expect(() => excludePattern('re:a(', place)).toThrow(ConfigError);
    expect(() => excludePattern('re:a(', place)).toThrow(
      'config.json: quantization_config.exclude[0]: expected a pattern that can be read (regular expression "a(", character 2: "(" without ")"',
    );
  });
});
