import { type JsonObject, LowbitError } from '@lowbit/core';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { groupConfig, linear, parse, type Tensors } from './__fixtures__/checkpoint.ts';

const fields = {
  group: ['targets', 'weights', 'input_activations', 'output_activations', 'format'],
  args: [
    'num_bits',
    'type',
    'symmetric',
    'group_size',
    'strategy',
    'block_structure',
    'dynamic',
    'actorder',
    'scale_dtype',
  ],
  top: ['ignore', 'format', 'kv_cache_scheme', 'sparsity_config', 'transform_config', 'version', 'config_groups'],
} as const;

const word = fc.constantFrom(
  'int',
  'float',
  'group',
  'channel',
  'block',
  'token',
  'tensor_group',
  'local',
  're:(',
  'Linear',
);
const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), word, fc.integer({ min: -2, max: 130 }), fc.boolean());
const some = (names: readonly string[]) =>
  fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4 }) as fc.Arbitrary<JsonObject>;

const tensors: Tensors = {
  [`${linear.name}.weight_packed`]: ['I32', [8, 8]],
  [`${linear.name}.weight_scale`]: ['BF16', [8, 2]],
};

describe('any settings', () => {
  it('are read, or are an error of our own', () => {
    fc.assert(
      fc.property(some(fields.args), some(fields.args), some(fields.group), some(fields.top), (w, a, group, top) => {
        try {
          const config = parse(groupConfig(w, { input_activations: a, ...group }, top), tensors);
          config.linearScheme(linear);
          config.kvCacheScheme({ kind: 'kvCache', name: 'model.layers.0.self_attn', numKvHeads: 1, headSize: 8 });
        } catch (error) {
          if (!LowbitError.isInstance(error)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
