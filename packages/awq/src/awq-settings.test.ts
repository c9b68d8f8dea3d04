import { ConfigError, type JsonObject, LowbitError, RefusedError } from '@lowbit/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { knownFields } from './awq-fields.ts';
import { readSettings } from './awq-settings.ts';

const base = { quant_method: 'awq', bits: 4, group_size: 128, zero_point: true, version: 'gemm' };

function read(embedded: JsonObject | undefined, sideFiles: Record<string, JsonObject> = {}) {
  const config = embedded ? { quantization_config: embedded } : {};
  return readSettings({ config, sideFiles: new Map(Object.entries(sideFiles)), tensors: new Map() });
}

function without(key: keyof typeof base): JsonObject {
  const { [key]: _, ...rest } = base;
  return rest;
}

const place = 'config.json: quantization_config.';

describe('spellings', () => {
  it.each<[string, JsonObject]>([
    ['w_bit, q_group_size', { w_bit: 4, q_group_size: 128, zero_point: true, version: 'GEMM' }],
    ['wbits', { ...without('bits'), wbits: 4 }],
    ['sym for zero_point', { ...without('zero_point'), sym: false }],
    ['method', { ...without('quant_method'), method: 'AWQ' }],
    ['format', { ...without('version'), format: 'gemm' }],
    ['checkpoint_format', { ...without('version'), checkpoint_format: 'gemm' }],
    ['null for absent', { ...base, modules_to_not_convert: null, dynamic: null, backend: null }],
    ['exllama, whose bytes are gemm', { ...base, version: 'exllama' }],
    ['ipex, whose bytes are gemm', { ...base, version: 'ipex' }],
    ['a backend that only chooses a kernel', { ...base, backend: 'autoawq' }],
    ['all of them, agreeing', { ...base, w_bit: 4, format: 'gemm', checkpoint_format: 'GEMM', pack_dtype: 'int32' }],
  ])('%s', (_, config) => {
    expect(read(config)).toMatchObject({
      format: 'gemm',
      bits: 4,
      groupSize: 128,
      zeroPoint: true,
      modulesToNotConvert: [],
      warnings: [],
    });
  });

  it.each([
    ['GEMV', 'gemv'],
    ['gemv', 'gemv'],
    ['GEMV_FAST', 'gemv_fast'],
    ['llm-awq', 'gemv_fast'],
  ])('version %s', (version, format) => {
    expect(read({ ...base, version }).format).toBe(format);
  });

  it('backend llm-awq says more than version', () => {
    expect(read({ ...base, backend: 'llm-awq' }).format).toBe('gemv_fast');
  });

  it('keeps group size -1, symmetry and the skip list', () => {
    expect(read({ ...base, group_size: -1, zero_point: false, modules_to_not_convert: ['lm_head'] })).toMatchObject({
      groupSize: -1,
      zeroPoint: false,
      modulesToNotConvert: ['lm_head'],
    });
  });
});

describe('places', () => {
  const old = { w_bit: 4, q_group_size: 64, zero_point: true, version: 'GEMM' };

  it.each(['quant_config.json', 'quantize_config.json', 'quantization_config.json'])('%s alone', (file) => {
    expect(read(undefined, { [file]: old })).toMatchObject({ bits: 4, groupSize: 64, warnings: [] });
  });

  it('text_config', () => {
    const config = { text_config: { quantization_config: base } };
    expect(readSettings({ config, sideFiles: new Map(), tensors: new Map() }).groupSize).toBe(128);
  });

  it('a file completes config.json', () => {
    expect(read({ quant_method: 'awq' }, { 'quant_config.json': old }).groupSize).toBe(64);
  });

  it('nowhere', () => {
    expect(() => read(undefined)).toThrow(
      'config.json: quantization_config: expected the settings of an AWQ checkpoint, here or in quantize_config.json or quant_config.json, found nothing',
    );
  });

  const remedy = 'Two places disagree and only one can fit the tensors: correct or delete the wrong one.';

  it.each<[string, JsonObject, JsonObject, string]>([
    ['bits', base, { ...base, bits: 8 }, 'bits: expected 4, as config.json: quantization_config.bits says, found 8'],
    [
      'group size',
      base,
      old,
      'q_group_size: expected 128, as config.json: quantization_config.group_size says, found 64',
    ],
    [
      'zero point',
      base,
      { zero_point: false },
      'zero_point: expected true, as config.json: quantization_config.zero_point says, found false',
    ],
    [
      'layout',
      base,
      { version: 'GEMV' },
      'version: expected "gemm", as config.json: quantization_config.version says, found "gemv"',
    ],
    ['method', base, { quant_method: 'gptq' }, 'quant_method: expected one of awq, found "gptq"'],
  ])('disagree on %s', (_, embedded, file, message) => {
    const disagree = () => read(embedded, { 'quant_config.json': file });
    expect(disagree).toThrow(ConfigError);
    expect(disagree).toThrow(`quant_config.json: ${message}`);
    if (message.includes(' says')) expect(disagree).toThrow(remedy);
  });

  it('two spellings in one file disagree', () => {
    expect(() => read({ ...base, w_bit: 8 })).toThrow(
      `${place}w_bit: expected 4, as ${place}bits says, found 8\n${remedy}`,
    );
  });

  it('differing skip lists are a warning', () => {
    const { warnings, modulesToNotConvert } = read(
      { ...base, modules_to_not_convert: ['lm_head'] },
      { 'quant_config.json': { modules_to_not_convert: [] } },
    );
    expect(modulesToNotConvert).toEqual(['lm_head']);
    expect(warnings).toEqual([
      'quant_config.json: modules_to_not_convert differs from config.json: quantization_config.modules_to_not_convert, which counts',
    ]);
  });
});

describe('refuses', () => {
  it.each<[string, JsonObject, string]>([
    [
      'no bits',
      without('bits'),
      'config.json: quantization_config: expected bits or w_bit or wbits, an integer from 2 to 8, found nothing',
    ],
    [
      'no group size',
      without('group_size'),
      'config.json: quantization_config: expected group_size or q_group_size, a positive integer, or -1 for one group per output feature, found nothing',
    ],
    [
      'no zero point',
      without('zero_point'),
      'config.json: quantization_config: expected zero_point or sym (negated), true or false, found nothing',
    ],
    ['16 bits', { ...base, bits: 16 }, `${place}bits: expected an integer from 2 to 8, found 16`],
    ['bits as text', { ...base, bits: '4' }, `${place}bits: expected an integer from 2 to 8, found "4"`],
    [
      'group size 0',
      { ...base, group_size: 0 },
      `${place}group_size: expected a positive integer, or -1 for one group per output feature, found 0`,
    ],
    ['zero_point 1', { ...base, zero_point: 1 }, `${place}zero_point: expected true or false, found 1`],
    ['another method', { ...base, quant_method: 'gptq' }, `${place}quant_method: expected one of awq, found "gptq"`],
    [
      'an unknown layout',
      { ...base, version: 'gemx' },
      `${place}version: expected one of gemm, exllama, ipex, gemv, gemv_fast, llm-awq, marlin, bitblas, found "gemx"`,
    ],
    ['an inherited word', { ...base, version: 'constructor' }, `${place}version: expected one of gemm`],
    ['an unknown backend', { ...base, backend: 'fpga' }, `${place}backend: expected one of llm-awq, autoawq`],
    [
      'a skip list that is no list',
      { ...base, modules_to_not_convert: 'lm_head' },
      `${place}modules_to_not_convert: expected a list of names or null, found "lm_head"`,
    ],
    [
      'a skip list with an empty name, which covers everything',
      { ...base, modules_to_not_convert: [''] },
      `${place}modules_to_not_convert: expected a list of names or null, found [""]`,
    ],
    ['lm_head 1', { ...base, lm_head: 1 }, `${place}lm_head: expected true or false, found 1`],
    ['float data', { ...base, data_type: 'fp' }, `${place}data_type: expected one of int, found "fp"`],
    ['dynamic list', { ...base, dynamic: [] }, `${place}dynamic: expected an object or null, found []`],
    [
      '8-bit gemv',
      { ...base, bits: 8, version: 'gemv' },
      `${place}bits: expected 4, the only width of gemv (${place}version), found 8`,
    ],
    [
      'gemv without groups',
      { ...base, group_size: -1, version: 'gemv_fast' },
      `${place}group_size: expected 32, 64, or 128 and more, the group sizes of gemv_fast (${place}version), found -1`,
    ],
    [
      'gemm in int16',
      { ...base, pack_dtype: 'int16' },
      `${place}pack_dtype: expected int32, as gemm packs (${place}version), found "int16"`,
    ],
    [
      'gemv_fast in int32',
      { ...base, version: 'gemv_fast', pack_dtype: 'int32' },
      `${place}pack_dtype: expected int16, as gemv_fast packs (${place}version), found "int32"`,
    ],
  ])('%s', (_, config, message) => {
    expect(() => read(config)).toThrow(ConfigError);
    expect(() => read(config)).toThrow(message);
  });

  it.each<[string, JsonObject, string]>([
    [
      'marlin',
      { ...base, version: 'marlin' },
      `${place}version: marlin checkpoints are not supported\n  awq: the file holds weights already permuted for the Marlin GPU kernel: tiles of 16 x 16, symmetric, no qzeros (use the gemm export of the same model)`,
    ],
    [
      'bitblas',
      { ...base, version: 'bitblas' },
      `${place}version: bitblas checkpoints are not supported\n  awq: the file holds weights in the layout of a compiled BitBLAS kernel (use the gemm export of the same model)`,
    ],
    [
      'natural packing order',
      { ...base, pack_method: 'order' },
      `${place}pack_method: order is not supported\n  awq: codes in natural order within a word (export with pack_method reorder)`,
    ],
    [
      'settings per module',
      { ...base, dynamic: { '-:.*gate': {}, '.*down_proj': { bits: 8 } } },
      `${place}dynamic: settings that differ between modules are not supported\n  awq: overrides for .*down_proj`,
    ],
  ])('%s, legal but not supported', (_, config, message) => {
    expect(() => read(config)).toThrow(RefusedError);
    expect(() => read(config)).toThrow(message);
  });
});

describe('warns', () => {
  it.each<[string, JsonObject, string]>([
    [
      'of an absent version',
      without('version'),
      `${place}version is absent; gemm is assumed, and every tensor's shape is checked against it`,
    ],
    ['of unknown fields', { ...base, turbo: true }, `${place}turbo: unknown field, not read`],
    [
      'of sym against zero_point',
      { ...base, sym: true },
      `${place}zero_point is true and ${place}sym is true, which contradict each other; zero_point counts`,
    ],
  ])('%s', (_, config, warning) => {
    expect(read(config).warnings).toEqual([warning]);
  });

  it('not of what other tools write', () => {
    const config = {
      ...base,
      sym: false,
      do_fuse: false,
      fuse_max_seq_len: 512,
      modules_to_fuse: null,
      exllama_config: { version: 2 },
      desc_act: false,
      dynamic: { '-:.*lm_head': {} },
      pack_dtype: 'int32',
      meta: { quantizer: ['gptqmodel:7.7.0'] },
      lm_head: false,
      data_type: 'int',
      iters: 20,
      provider: 'auto-round',
      pack_method: 'reorder',
      export: {},
    };
    expect(read(config).warnings).toEqual([]);
  });
});

describe('any JSON', () => {
  it('parses or gives an error with a place', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('awq', 'gemm', 'GEMV', 'gemv_fast', 'marlin', 'int32', 4, 8, 64, 128, -1, true, false),
    );
    const settings = fc.dictionary(fc.constantFrom(...knownFields, '__proto__', 'constructor'), value);
    const complete = settings.map((some) => ({ ...base, ...some }));
    fc.assert(
      fc.property(fc.oneof(settings, complete), settings, (embedded, file) => {
        try {
          expect(read(embedded, { 'quant_config.json': file }).bits).toBeTypeOf('number');
        } catch (error) {
          expect(error).toSatisfy(LowbitError.isInstance);
          expect((error as Error).message).toMatch(/^(config|quant_config)\.json/);
        }
      }),
      { numRuns: 500 },
    );
  });
});
