import { ConfigError, type JsonObject } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { sectionOf } from './__fixtures__/checkpoint.ts';
import { readArgs } from './quantization-args.ts';

function read(value: JsonObject) {
  const warnings: string[] = [];
  return { ...readArgs(sectionOf(value), warnings), warnings };
}

const field = 'config.json: quantization_config.config_groups.group_0.weights';

describe('accepts', () => {
  it('what is absent or null has a default', () => {
    const expected = { type: 'int', numBits: 8, symmetric: true, strategy: 'tensor', dynamic: false, grouped: false };
    expect(read({})).toMatchObject({ ...expected, warnings: [] });
    const nulls = Object.fromEntries(
      ['num_bits', 'type', 'symmetric', 'group_size', 'strategy', 'block_structure', 'actorder', 'scale_dtype'].map(
        (name) => [name, null],
      ),
    );
    expect(read(nulls)).toMatchObject(expected);
  });

  it.each<[string, JsonObject, JsonObject]>([
    ['a group size alone', { group_size: 32 }, { strategy: 'group', groupSize: 32 }],
    ['group size -1', { group_size: -1 }, { strategy: 'channel' }],
    ['group size -1 with channel', { group_size: -1, strategy: 'channel' }, { strategy: 'channel' }],
    ['any case', { type: 'FLOAT', strategy: 'Channel' }, { type: 'float', strategy: 'channel' }],
    [
      'blocks as text',
      { type: 'float', strategy: 'block', block_structure: '128x64' },
      { strategy: 'block', blockStructure: [128, 64] },
    ],
    ['six-bit floats', { type: 'float', num_bits: 6, group_size: 32 }, { numBits: 6 }],
    ['asymmetric 4-bit floats', { type: 'float', num_bits: 4, symmetric: false }, { symmetric: false }],
    ['actorder group', { group_size: 32, actorder: 'group' }, { grouped: true }],
    ['actorder dynamic', { group_size: 32, actorder: 'Dynamic' }, { grouped: true }],
    ['actorder true', { group_size: 32, actorder: true }, { grouped: true }],
    ['actorder static, anywhere', { strategy: 'channel', actorder: 'static' }, { grouped: false }],
    ['actorder weight, anywhere', { strategy: 'tensor', actorder: 'weight' }, { grouped: false }],
    ['actorder false', { actorder: false }, { grouped: false }],
    ['local', { strategy: 'tensor_group', group_size: 16, dynamic: 'local' }, { dynamic: 'local' }],
    ['dynamic per token', { strategy: 'token', dynamic: true }, { strategy: 'token', dynamic: true }],
    ['a dtype of torch', { scale_dtype: 'torch.float8_e4m3fn' }, { scaleType: 'f8e4m3' }],
    ['a dtype', { scale_dtype: 'uint8' }, { scaleType: 'e8m0' }],
    ['what only calibration reads', { observer: 'memoryless', observer_kwargs: { a: 1 }, zp_dtype: 'torch.int8' }, {}],
  ])('%s', (_, value, expected) => {
    expect(read(value)).toMatchObject({ ...expected, warnings: [] });
  });

  it('an unknown field, with a warning', () => {
    expect(read({ fancy: 1 }).warnings).toEqual([`${field}.fancy: unknown field, not read`]);
  });
});

describe('rejects', () => {
  it.each<[string, JsonObject, string]>([
    [
      'per token, stored',
      { strategy: 'token' },
      'dynamic: expected true: scales per token cannot be stored, found nothing',
    ],
    ['group without a size', { strategy: 'group' }, 'group_size: expected a positive integer, as strategy group needs'],
    [
      'tensor_group without a size',
      { strategy: 'tensor_group', group_size: -1 },
      'group_size: expected a positive integer, as strategy tensor_group needs, found -1',
    ],
    [
      'a size without groups',
      { strategy: 'channel', group_size: 128 },
      'strategy: expected group or tensor_group, as group_size 128 needs, found "channel"',
    ],
    [
      'group size 0',
      { group_size: 0 },
      'group_size: expected a positive integer, or -1 for one group per output feature, found 0',
    ],
    ['group size -2', { group_size: -2 }, 'found -2'],
    [
      'block without structure',
      { strategy: 'block' },
      'block_structure: expected two positive integers, as strategy block needs',
    ],
    ['structure without block', { block_structure: [2, 2] }, 'strategy: expected block, as block_structure needs'],
    [
      'three numbers',
      { strategy: 'block', block_structure: [1, 2, 3] },
      'block_structure: expected two positive integers',
    ],
    ['a zero', { strategy: 'block', block_structure: [0, 2] }, 'found [0,2]'],
    ['a negative', { strategy: 'block', block_structure: [2, -2] }, 'found [2,-2]'],
    ['no number', { strategy: 'block', block_structure: '2xfoo' }, 'found "2xfoo"'],
    [
      'dynamic per channel',
      { strategy: 'channel', dynamic: true },
      'strategy: expected one of token, tensor, group, tensor_group, as dynamic needs',
    ],
    [
      'dynamic blocks',
      { strategy: 'block', block_structure: [2, 2], dynamic: true },
      'as dynamic needs, found "block"',
    ],
    ['dynamic per head', { strategy: 'attn_head', dynamic: true }, 'as dynamic needs, found "attn_head"'],
    [
      'local per group',
      { group_size: 16, dynamic: 'local' },
      'strategy: expected tensor_group, as dynamic "local" needs',
    ],
    ['dynamic of another word', { dynamic: 'global' }, 'dynamic: expected true, false or "local", found "global"'],
    [
      'actorder group per channel',
      { strategy: 'channel', actorder: 'group' },
      'strategy: expected group or tensor_group, as actorder group needs',
    ],
    [
      'actorder true per tensor',
      { actorder: true },
      'actorder: expected group or tensor_group, as actorder group needs, found true',
    ],
    [
      'actorder of another word',
      { actorder: 'random' },
      'actorder: expected one of group, weight, dynamic, static, true or false',
    ],
    ['five-bit floats', { type: 'float', num_bits: 5 }, 'num_bits: expected 4, 6, 8, the widths of floats, found 5'],
    ['nine bits', { num_bits: 9 }, 'num_bits: expected an integer from 1 to 8, found 9'],
    ['bits as text', { num_bits: '4' }, 'num_bits: expected an integer from 1 to 8, found "4"'],
    ['another type', { type: 'uint' }, 'type: expected one of int, float, found "uint"'],
    [
      'another strategy',
      { strategy: 'row' },
      'strategy: expected one of tensor, channel, group, block, token, tensor_group, attn_head',
    ],
    ['another dtype', { scale_dtype: 'torch.foo' }, 'scale_dtype: expected one of float64'],
    ['symmetric as text', { symmetric: 'yes' }, 'symmetric: expected true or false, found "yes"'],
  ])('%s', (_, value, message) => {
    expect(() => read(value)).toThrow(ConfigError);
    expect(() => read(value)).toThrow(`${field}.`);
    expect(() => read(value)).toThrow(message);
  });
});
