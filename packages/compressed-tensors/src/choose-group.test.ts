import { ConfigError, type JsonObject, TensorError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { groupConfig, linear, parse, type Tensors } from './__fixtures__/checkpoint.ts';

const { name } = linear;
const w4: JsonObject = { num_bits: 4, group_size: 32 };
const packed: Tensors = {
  [`${name}.weight_packed`]: ['I32', [8, 8]],
  [`${name}.weight_scale`]: ['BF16', [8, 2]],
  [`${name}.weight_shape`]: ['I64', [2]],
};
const float: Tensors = { [`${name}.weight`]: ['BF16', [8, 64]] };

function choose(config: JsonObject, tensors: Tensors, spec = linear) {
  return parse(config, tensors).linearScheme(spec);
}

describe('targets, ignore and tensors agree', () => {
  it('quantized', () => {
    expect(choose(groupConfig(w4), packed)).toMatchObject({ kind: 'scheme', scheme: { name: 'w4a16' }, warnings: [] });
  });

  it('ignored', () => {
    expect(choose(groupConfig(w4, {}, { ignore: ['re:.*up_proj'] }), float)).toEqual({
      kind: 'unquantized',
      rule: 'ignore: "re:.*up_proj"',
      warnings: [],
    });
  });

  it('no target', () => {
    const rule = 'no target covers it';
    expect(choose(groupConfig(w4, { targets: ['Embedding'] }), float)).toEqual({
      kind: 'unquantized',
      rule,
      warnings: [],
    });
    expect(choose({ config_groups: {} }, float)).toMatchObject({ kind: 'unquantized', rule });
  });

  it('a group that quantizes nothing', () => {
    expect(choose(groupConfig(null), float)).toMatchObject({
      kind: 'unquantized',
      rule: 'quantization_config.config_groups.group_0 quantizes nothing',
    });
  });

  it('a tied head has no tensors', () => {
    expect(
      choose(groupConfig(w4), {}, { ...linear, name: 'lm_head', role: 'head', tiedTo: 'model.embed_tokens' }),
    ).toEqual({
      kind: 'unquantized',
      rule: 'tied to model.embed_tokens',
    });
  });

  it('the group of the most specific target, wherever it stands', () => {
    const config = {
      config_groups: {
        all: { targets: ['Linear'], weights: { num_bits: 8, strategy: 'channel' } },
        some: { targets: ['re:.*mlp'], weights: w4 },
      },
    };
    expect(choose(config, packed)).toMatchObject({ scheme: { name: 'w4a16' } });
    expect(
      choose({ config_groups: { a: config.config_groups.some, b: config.config_groups.all } }, packed),
    ).toMatchObject({
      scheme: { name: 'w4a16' },
    });
  });

  it('of two groups with the same target the later one, with a warning', () => {
    const config = {
      config_groups: { a: { targets: ['Linear'], weights: { num_bits: 8 } }, b: { targets: ['Linear'], weights: w4 } },
    };
    expect(choose(config, packed)).toMatchObject({ scheme: { name: 'w4a16' } });
    expect(parse(config).warnings).toEqual([
      'config.json: quantization_config.config_groups: a and b both target Linear; the later one counts',
    ]);
  });
});

describe('the file counts, with a warning', () => {
  it('quantized, but ignored', () => {
    expect(choose(groupConfig(w4, {}, { ignore: [name] }), packed)).toMatchObject({
      kind: 'scheme',
      warnings: [
        `config.json: ignore: "${name}" covers ${name}, but the file holds ${name}.weight_packed; it is read as quantized`,
      ],
    });
  });

  it('floats, but in a group', () => {
    const rule = `the file holds ${name}.weight in floats`;
    expect(choose(groupConfig(w4), float)).toEqual({
      kind: 'unquantized',
      rule,
      warnings: [`${name} is in quantization_config.config_groups.group_0, but ${rule}; it is read as unquantized`],
    });
  });

  it.each<[string, JsonObject, JsonObject, Tensors, string]>([
    ['packed', { format: 'int-quantized' }, {}, packed, 'int-quantized, but the file holds weight_packed'],
    ['packed, by the model', {}, { format: 'dense' }, packed, 'dense, but the file holds weight_packed'],
    [
      'not packed',
      {},
      { format: 'pack-quantized' },
      { [`${name}.weight`]: ['I8', [8, 64]], [`${name}.weight_scale`]: ['BF16', [8, 2]] },
      'pack-quantized, but the file holds a number per weight',
    ],
  ])('another format: %s', (_, group, top, tensors, warning) => {
    expect(choose(groupConfig(w4, group, top), tensors)).toMatchObject({
      kind: 'scheme',
      warnings: [`config.json: the format of quantization_config.config_groups.group_0 is ${warning}; the file counts`],
    });
  });

  it.each(['frozen', 'initialized', 'compressed', 'decompressed'])('status %s says nothing', (quantization_status) => {
    expect(choose(groupConfig(w4, {}, { quantization_status }), packed)).toMatchObject({
      kind: 'scheme',
      warnings: [],
    });
  });

  it('packing that sizes and version leave open, or that they disagree on', () => {
    const w3 = { num_bits: 3, strategy: 'channel' };
    const spec = { ...linear, inFeatures: 12 };
    const open: Tensors = { [`${name}.weight_packed`]: ['I32', [8, 2]] };
    expect(choose(groupConfig(w3), open, spec)).toMatchObject({
      warnings: [
        `${name}: neither sizes nor a version tell how 3-bit codes are packed; read as versions before 0.18 pack them`,
      ],
    });
    expect(choose(groupConfig(w3, {}, { version: '0.18.1' }), open, spec)).toMatchObject({ warnings: [] });
    const legacy: Tensors = { [`${name}.weight_packed`]: ['I32', [8, 7]] };
    expect(choose(groupConfig(w3, {}, { version: '0.19.0' }), legacy)).toMatchObject({
      warnings: [
        'config.json: version 0.19.0 packs 3-bit codes in the dense way, but the file holds legacy ones; the file counts',
      ],
    });
  });
});

describe('refuses', () => {
  it('floats beside scales', () => {
    const tensors = { ...float, [`${name}.weight_scale`]: ['BF16', [8, 1]] } as const;
    expect(choose(groupConfig(w4, {}, { quantization_status: 'frozen' }), tensors)).toEqual({
      kind: 'refused',
      refusal: {
        by: 'compressed-tensors',
        code: 'NOT_COMPRESSED',
        message: `${name}.weight holds floats beside ${name}.weight_scale (quantization_status: frozen): it was saved before it was compressed`,
        hint: 'save the model again with save_compressed=True',
      },
    });
  });

  it.each<[JsonObject, string]>([
    [{ strategy: 'token', dynamic: true }, 'weights quantized at run time are not supported'],
    [{ strategy: 'attn_head' }, 'weights with scales per attn_head are not supported'],
  ])('weights %j', (weights, message) => {
    expect(choose(groupConfig(weights), packed)).toMatchObject({
      refusal: { code: 'WEIGHTS', message: `quantization_config.config_groups.group_0.weights: ${message}` },
    });
  });
});

describe('errors', () => {
  const either = `either ${name}.weight_packed or ${name}.weight`;

  it('a quantized module that no target covers', () => {
    const config = groupConfig(w4, { targets: ['Embedding'] });
    expect(() => choose(config, packed)).toThrow(ConfigError);
    expect(() => choose(config, packed)).toThrow(
      `config.json: quantization_config.config_groups: expected a target that covers ${name}, as the file holds ${name}.weight_packed, found nothing`,
    );
  });

  it('a quantized module in a group without weights', () => {
    expect(() => choose(groupConfig(null), packed)).toThrow(
      `config.json: quantization_config.config_groups.group_0.weights: expected an object, as the file holds ${name}.weight_packed, found null`,
    );
  });

  it('no weight, or two', () => {
    expect(() => choose(groupConfig(w4), {})).toThrow(TensorError);
    expect(() => choose(groupConfig(w4), {})).toThrow(`tensor ${name}.weight: expected ${either}, found neither`);
    expect(() => choose(groupConfig(w4), { ...packed, ...float })).toThrow(
      `tensor ${name}.weight: expected ${either}, found both`,
    );
  });

  it.each(['weight.bitmask', 'bitmask'])('sparse tensors are named: %s', (suffix) => {
    expect(() => choose(groupConfig(w4), { [`${name}.${suffix}`]: ['U8', [8, 8]] })).toThrow(
      `tensor ${name}.weight: expected ${either}, found neither, but ${name}.${suffix}\nSparse compressed weights (sparse-bitmask, sparse-24-bitmask, marlin-24) are not supported.`,
    );
  });
});
