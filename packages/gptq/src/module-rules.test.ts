import type { JsonObject } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { checkpointOf, usual } from './__fixtures__/made-up-checkpoint.ts';
import { readSettings } from './gptq-settings.ts';
import { findRule, formatRule } from './module-rules.ts';

/** What the rules do to a module: settings, `out`, or nothing. */
function effect(more: JsonObject, name: string, sideFiles: Readonly<Record<string, JsonObject>> = {}) {
  const { rules } = readSettings(checkpointOf({ ...usual, ...more }, {}, sideFiles));
  const rule = findRule(rules, name);
  if (!rule) return undefined;
  const { bits, groupSize, descAct, symmetric } = rule.overrides ?? {};
  return rule.overrides ? { bits: bits?.value, groupSize: groupSize?.value, descAct, symmetric } : 'out';
}

const layer12 = 'model.layers.12.mlp.up_proj';
const layer2 = 'model.layers.2.mlp.up_proj';

describe('dynamic', () => {
  it('the first rule that matches counts', () => {
    const first = { '-:.*12.*': {}, '+:.*': { bits: 8 } };
    const last = { '+:.*': { bits: 8 }, '-:.*12.*': {} };
    expect([effect({ dynamic: first }, layer12), effect({ dynamic: last }, layer12)]).toEqual([
      'out',
      { bits: 8, groupSize: undefined, descAct: undefined, symmetric: undefined },
    ]);
    expect(effect({ dynamic: first }, layer2)).toMatchObject({ bits: 8 });
  });

  it.each<[string, string, boolean]>([
    ['.*\\.(?:1[0-5])\\..*', layer12, true],
    ['.*\\.(?:1[0-5])\\..*', layer2, false],
    ['layers', layer12, false],
    ['model\\.layers', layer12, true],
    ['(?P<all>.*)\\.up_proj$', layer12, true],
    ['lm_head', 'lm_head', true],
    ['lm_head', 'language_model.lm_head', false],
  ])('%s covers %s: %s', (pattern, name, covered) => {
    for (const sign of ['', '+:']) {
      expect(effect({ dynamic: { [sign + pattern]: { bits: 8 } } }, name)?.constructor === Object).toBe(covered);
    }
  });

  it('changes width, group size, order and symmetry', () => {
    const dynamic = { '.*': { bits: 8, group_size: 64, desc_act: true, sym: false, mse: 2.4 } };
    expect(effect({ dynamic }, layer2)).toEqual({ bits: 8, groupSize: 64, descAct: true, symmetric: false });
    expect(effect({ dynamic: { '.*': null } }, layer2)).toBeDefined();
  });

  it('order in two files: quantize_config.json counts', () => {
    const sorted = { '.*down': { bits: 8 }, '.*up': { bits: 2 }, '-:.*': {} };
    const written = { '-:.*': {}, '.*down': { bits: 8 }, '.*up': { bits: 2 } };
    const sideFiles = { 'quantize_config.json': { dynamic: written } };
    expect(effect({ dynamic: sorted }, layer2, sideFiles)).toBe('out');
    expect(readSettings(checkpointOf({ ...usual, dynamic: sorted }, {}, sideFiles)).warnings).toEqual([
      'quantize_config.json: dynamic has its rules in another order than other places; this order counts',
    ]);
    expect(readSettings(checkpointOf({ ...usual, dynamic: written }, {}, sideFiles)).warnings).toEqual([]);
  });

  it('answers at once whatever the pattern', () => {
    expect(effect({ dynamic: { '(.|.)*(.|.?)+!$': { bits: 8 } } }, 'a'.repeat(40))).toBeUndefined();
  });
});

describe('extra_config', () => {
  const extra_config = {
    '.*\\.up_proj': { bits: 8 },
    up_proj: { bits: 3 },
    [layer2]: { group_size: 32 },
    'lm_head.*': { bits: 16, data_type: 'float' },
  };

  it.each<[string, unknown]>([
    [layer12, { bits: 8, groupSize: undefined, descAct: undefined, symmetric: undefined }],
    // The very name goes before patterns.
    [layer2, { bits: undefined, groupSize: 32, descAct: undefined, symmetric: undefined }],
    ['model.up_proj.a', undefined],
    ['lm_head', 'out'],
  ])('%s', (name, expected) => {
    expect(effect({ extra_config }, name)).toEqual(expected);
  });
});

it('rules are printed', () => {
  const dynamic = { '-:a': {}, b: { bits: 8, group_size: -1 }, c: { group_size: 64, desc_act: true }, d: {} };
  const { rules } = readSettings(checkpointOf({ ...usual, dynamic }));
  expect(rules.map(formatRule)).toEqual([
    'dynamic: "-:a" unquantized',
    'dynamic: "b" 8-bit, one group',
    'dynamic: "c" groups of 64, desc_act true',
    'dynamic: "d" as the rest',
  ]);
});
