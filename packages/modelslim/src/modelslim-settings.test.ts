import { type CheckpointMetadata, ConfigError, type JsonObject } from '@lowbit/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSettings } from './modelslim-settings.ts';
import { checkpointOf, tensor } from './test-support/checkpoint.ts';

const file = 'quant_model_description.json';

function read(files: Readonly<Record<string, JsonObject>>) {
  return readSettings({ config: {}, sideFiles: new Map(Object.entries(files)), tensors: new Map() });
}

const readOne = (description: JsonObject) => read({ [file]: description });

describe('the file', () => {
  it('the usual name goes before one with a suffix', () => {
    const settings = read({ 'quant_model_description_w8a8.json': { version: '2.0.0' }, [file]: { version: '1.0.0' } });
    expect(settings).toMatchObject({
      file,
      version: '1.0.0',
      warnings: [`quant_model_description_w8a8.json: not read, as ${file} stands beside it`],
    });
  });

  it('one with a suffix will do', () => {
    expect(read({ 'quant_model_description_w8a8.json': {} }).file).toBe('quant_model_description_w8a8.json');
  });

  it('two with suffixes leave a choice', () => {
    const two = () => read({ 'quant_model_description_w8a8.json': {}, 'quant_model_description_w4a8.json': {} });
    expect(two).toThrow(ConfigError);
    expect(two).toThrow(
      `quant_model_description_w4a8.json and quant_model_description_w8a8.json: expected one description, or one called ${file}, found 2\nKeep the one that belongs to the weights.`,
    );
  });

  it('none', () => {
    expect(() => read({ 'quant_model_descriptions.json': {} })).toThrow(
      `${file}: expected a description of every tensor, beside config.json, found nothing\nCopy it from where the checkpoint was made: without it nobody knows what the tensors mean.`,
    );
  });
});

describe('fields', () => {
  it('of all writers are known', () => {
    const settings = readOne({
      quant_method: 'modelslim',
      version: '1.0.0',
      model_quant_type: 'W8A8',
      group_size: 64,
      metadata: { quarot: { max_tp_size: 4 } },
      optional: { quarot: { rotation_map: { global_rotation: 'optional/quarot.safetensors' } } },
      kv_cache_type: 'C8',
      kv_quant_type: 'C8',
      fa_quant_type: 'FAKQuant',
      'model.layers.0.self_attn.quant_type': 'INT8_DYNAMIC_P_FP8',
      indexer_quant_type: 'INT8_DYNAMIC',
      reduce_quant_type: 'per_channel',
      max_supported_tp: 4,
      ignore: ['lm_head'],
      packed_modules_mapping: { qkv_proj: ['q_proj', 'k_proj', 'v_proj'] },
    });
    expect(settings).toMatchObject({
      modelType: 'W8A8',
      groupSize: 64,
      kvCacheType: 'C8',
      quantizedAttention: true,
      warnings: [],
    });
    expect(settings.ignores('lm_head')).toBe(true);
    expect(settings.ignores('model.lm_head')).toBe(false);
  });

  it('null is absent', () => {
    const empty = { version: null, group_size: null, metadata: null, kv_cache_type: null, ignore: null };
    expect(readOne(empty)).toMatchObject({ version: null, groupSize: 0, kvCacheType: null, warnings: [] });
  });

  it.each<[string, unknown, string]>([
    ['quant_method', 'awq', '"modelslim" or "ascend"'],
    ['version', 1, 'a version such as "1.0.0"'],
    ['version', 'new', 'a version such as "1.0.0"'],
    ['model_quant_type', 8, 'a string'],
    ['group_size', '64', 'a number of features, or 0'],
    ['group_size', -1, 'a number of features, or 0'],
    ['group_size', 1.5, 'a number of features, or 0'],
    ['metadata', [], 'an object'],
    ['optional', 'none', 'an object'],
    ['kv_cache_type', 'C4', '"C8" or "KV8"'],
    ['kv_quant_type', true, '"C8" or "KV8"'],
    ['fa_quant_type', 'FP8', '"FAKQuant" or "FAQuant"'],
    ['reduce_quant_type', 'per_token', '"per_channel"'],
    ['max_supported_tp', 0, 'a number of ranks'],
    ['ignore', 'lm_head', 'a list of names'],
    ['ignore', [1], 'a list of names'],
    ['packed_modules_mapping', [], 'an object'],
    ['a.quant_type', 'W8A8', 'how attention is quantized, such as "INT8_DYNAMIC" or "Q_FP8_DYNAMIC_KV_FP8"'],
    ['a.quant_type', 1, 'how attention is quantized, such as "INT8_DYNAMIC" or "Q_FP8_DYNAMIC_KV_FP8"'],
  ])('%s: %j', (field, value, expected) => {
    expect(() => readOne({ [field]: value })).toThrow(ConfigError);
    expect(() => readOne({ [field]: value })).toThrow(
      `${file}: ${field}: expected ${expected}, found ${JSON.stringify(value)}`,
    );
  });

  it.each(['FLOAT', 'INT8_DYNAMIC', 'Q_FP8_DYNAMIC_KV_FP8', 'INT8_DYNAMIC_P_FP8', 'MXFP4_DYNAMIC', 'FAKQuant'])(
    'attention %s',
    (label) => {
      expect(readOne({ 'a.quant_type': label }).quantizedAttention).toBe(true);
    },
  );

  it('a regular expression that does not compile', () => {
    expect(() => readOne({ ignore: ['re:(['] })).toThrow(ConfigError);
    expect(() => readOne({ ignore: ['re:(['] })).toThrow(`${file}: ignore: expected `);
    expect(() => readOne({ ignore: ['re:(['] })).toThrow('found "re:(["');
  });
});

describe('warnings', () => {
  it('a later version', () => {
    expect(readOne({ version: '2.1.0' }).warnings).toEqual([`${file}: version 2.1.0, only 1.0.0 and older are known`]);
  });

  it('unknown fields', () => {
    expect(readOne({ turbo: 1, wheels: 'four' }).warnings).toEqual([
      `${file}: turbo: unknown field, not read`,
      `${file}: wheels: unknown field, not read`,
    ]);
  });

  it('tensors without an entry, but for rotations', () => {
    const bare = tensor('F32', [1]);
    const checkpoint = checkpointOf({ 'a.weight': bare, 'b.weight': bare, 'c.heads_rotation': bare });
    expect(readSettings(checkpoint).warnings).toEqual([`${file}: no entry for a.weight and 1 more`]);
  });

  it('entries without a tensor', () => {
    expect(readOne({ 'a.weight': 'W8A8', 'a.bias': 'FLOAT' }).warnings).toEqual([
      `${file}: the checkpoint has no a.weight and 1 more`,
    ]);
  });
});

it('any description is read, or an error of its own', () => {
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom('version', 'group_size', 'metadata', 'ignore', 'a.weight', 'a.quant_type'),
  );
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('FLOAT', 'W8A8', 'C8', '1.0.0'));
  fc.assert(
    fc.property(fc.dictionary(key, value), (description) => {
      const checkpoint: CheckpointMetadata = {
        config: {},
        sideFiles: new Map([[file, description as JsonObject]]),
        tensors: new Map(),
      };
      try {
        expect(readSettings(checkpoint).file).toBe(file);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
      }
    }),
  );
});
