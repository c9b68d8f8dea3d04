import { createRegistry, type JsonObject, type ModuleDescription } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { describe, expect, it } from 'vitest';
import { openModel } from '../open-model.ts';
import { roundingMethod } from '../test-support/rounding-method.ts';
import { memoryFolder, tinyConfig } from '../test-support/tiny-checkpoint.ts';
import { chooseNumerics } from './choose-numerics.ts';
import { explainModel } from './explain-model.ts';
import { planModel } from './plan-model.ts';

const registry = createRegistry({ methods: [roundingMethod], backends: [reference] });

function checkpoint(settings?: JsonObject) {
  const quantization = settings && { quantization_config: { quant_method: 'rounding', ...settings } };
  return memoryFolder({ 'config.json': { ...tinyConfig, ...quantization } });
}

describe('numerics where none are named', () => {
  it.each<[string, JsonObject | undefined, string]>([
    ['not quantized', undefined, 'fast'],
    ['quantized in its weights', {}, 'fast'],
    ['quantized in its weights and its KV cache', { kv_type: 'f8e4m3' }, 'fast'],
    ['quantized in its activations', { divisor: 127 }, 'faithful'],
    ['quantized in the activations of generated tokens', { decoding_divisor: 127 }, 'faithful'],
  ])('a checkpoint that is %s: %j', async (_, settings, expected) => {
    expect(await explainModel(checkpoint(settings), { registry })).toMatchObject({ numerics: expected });
    const model = await openModel(checkpoint(settings), { registry });
    await model.close();
    expect(model.info.numerics).toBe(expected);
  });

  it.each(['exact', 'faithful', 'fast'] as const)(
    'are %s where the caller says so, whatever the checkpoint does',
    async (numerics) => {
      for (const settings of [undefined, { divisor: 127 }]) {
        expect(await explainModel(checkpoint(settings), { registry, numerics })).toMatchObject({ numerics });
      }
    },
  );

  it('are faithful where one linear of one expert quantizes its activations', async () => {
    const linearOf = async (settings: JsonObject) => {
      const { modules, checkpoint: opened } = await planModel(checkpoint(settings), { registry });
      await opened.close();
      const { description } = modules.get('model.layers.0.mlp.down_proj')!;
      if (description.kind !== 'linear') throw new Error('expected a linear');
      return description;
    };
    const [plain, rounding] = [await linearOf({}), await linearOf({ divisor: 127 })];
    const block = (down: typeof plain): ModuleDescription => ({
      kind: 'moe',
      module: 'model.layers.0.mlp',
      scheme: 'w32',
      experts: [
        { gate: plain, up: plain, down: plain },
        { gate: plain, up: plain, down },
      ],
    });
    expect(chooseNumerics([block(plain)])).toBe('fast');
    expect(chooseNumerics([block(plain), block(rounding)])).toBe('faithful');
  });
});
