import { describe, expect, it } from 'vitest';
import { groupConfig, parse } from './__fixtures__/checkpoint.ts';
import { presetOf } from './presets.ts';

describe('presets', () => {
  const integers = [2, 3, 4, 5, 6, 7, 8].flatMap((bits) => [
    [`W${bits}A16`, `w${bits}a16`],
    ...(bits < 8 ? [[`W${bits}A8`, `w${bits}a8-int8`]] : []),
    ...(bits <= 4 ? [[`W${bits}A4`, `w${bits}a4-int4`]] : []),
  ]);

  it.each([
    ...integers,
    ['W4A16_ASYM', 'w4a16'],
    ['W8A8', 'w8a8-int8'],
    ['int8', 'w8a8-int8'],
    ['W4AFP8', 'w4a8-fp8'],
    ['FP8', 'w8a8-fp8'],
    ['FP8_DYNAMIC', 'w8a8-fp8'],
    ['FP8_BLOCK', 'w8a8-fp8'],
    ['NVFP4A16', 'nvfp4a16'],
    ['NVFP4', 'nvfp4'],
    ['MXFP4A16', 'mxfp4a16'],
    ['MXFP4', 'mxfp4'],
    ['MXFP4XFP8', 'mxfp4a8-fp8'],
    ['MXFP6A16', 'mxfp6a16'],
    ['MXFP6A8', 'mxfp6a8'],
    ['MXFP8A16', 'mxfp8a16'],
    ['MXFP8', 'mxfp8'],
    ['UNQUANTIZED', 'unquantized'],
  ])('%s is %s', (preset, scheme) => {
    const { settings } = parse({ ...groupConfig(null), config_groups: { [preset ?? '']: ['Linear'] } });
    expect(settings[preset ?? '']).toBe(`${scheme}: Linear`);
  });

  it.each(['W9A16', 'W1A16', 'W8A4', 'W5A4', 'W4A5', 'W16A16', 'FP7', 'constructor'])('%s is none', (name) => {
    expect(presetOf(name)).toBeUndefined();
    expect(() => parse({ ...groupConfig(null), config_groups: { [name]: ['Linear'] } })).toThrow(
      `config_groups.${name}: expected the name of a preset (W4A16, FP8_DYNAMIC) for a list of targets, found ["Linear"]`,
    );
  });

  it('W8A8 has scales per channel, other integer weights per group', () => {
    expect(presetOf('W8A8')?.weights).toMatchObject({ strategy: 'channel' });
    expect(presetOf('W7A8')?.weights).toMatchObject({ strategy: 'group', group_size: 128 });
    expect(presetOf('W4A16_ASYM')?.weights).toMatchObject({ num_bits: 4, symmetric: false });
  });
});
