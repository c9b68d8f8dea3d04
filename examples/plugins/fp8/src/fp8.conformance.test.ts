import { fileURLToPath } from 'node:url';
import { createRegistry, findMethod, type JsonObject } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import quark from '@lowbit/quark';
import { verifyModel } from '@lowbit/runtime';
import { testMethod } from '@lowbit/testkit';
import { expect, it } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import fp8 from './index.ts';

const fixture = new URL('__fixtures__/tiny-llama-fp8-block/', import.meta.url);
const settings = { quant_method: 'fp8', activation_scheme: 'dynamic', fmt: 'e4m3', weight_block_size: [128, 128] };
const place = 'config.json: quantization_config.';

const config = (more: JsonObject = {}) => ({ quantization_config: { ...settings, ...more } });

testMethod({
  method: fp8,
  manifest: manifest.lowbit,
  fixtures: [{ path: fixture }],
  accepts: [
    {
      name: 'as DeepSeek-V3 has them',
      config: config(),
      settings: { blockSize: '128 x 128', modulesToNotConvert: null },
    },
    {
      name: 'as Qwen3-FP8 has them',
      config: config({ modules_to_not_convert: ['lm_head', 'model.layers.0.mlp.gate'] }),
      settings: { modulesToNotConvert: 'lm_head, model.layers.0.mlp.gate' },
    },
    {
      name: 'an unknown field',
      config: config({ turbo: true }),
      settings: { blockSize: '128 x 128' },
      warnings: [`${place}turbo: unknown field, not read`],
    },
  ],
  rejects: [
    {
      name: 'another format of numbers',
      config: config({ fmt: 'e5m2' }),
      message: `${place}fmt: expected e4m3, found "e5m2"`,
    },
    {
      name: 'an unknown scheme',
      config: config({ activation_scheme: 'magic' }),
      message: `${place}activation_scheme: expected dynamic or static, found "magic"`,
    },
    {
      name: 'half a block',
      config: config({ weight_block_size: [128] }),
      message: `${place}weight_block_size: expected two positive integers, rows and columns, found [128]`,
    },
    {
      name: 'a word for the list',
      config: config({ modules_to_not_convert: 'lm_head' }),
      message: `${place}modules_to_not_convert: expected a list of names or null, found "lm_head"`,
    },
    {
      name: 'static activations',
      config: config({ activation_scheme: 'static' }),
      message: `${place}activation_scheme is not supported\n  fp8: activations with stored scales`,
    },
    {
      name: 'one scale per tensor',
      config: config({ weight_block_size: null }),
      message: `${place}weight_block_size is not supported\n  fp8: one scale for a whole weight`,
    },
  ],
});

it('computes what the fixture says, activations included', async () => {
  const registry = createRegistry({ methods: [fp8], backends: [reference] });
  const against = fileURLToPath(new URL('golden.safetensors', fixture));
  const { records } = await verifyModel(fileURLToPath(fixture), { registry, against });
  expect(records.filter(({ status }) => status !== 'passed')).toEqual([]);
  expect(records.filter(({ kind }) => kind === 'linear-output')).toHaveLength(7);
});

it.each([
  ['fp8', {}],
  ['quark', { export: {} }],
])('settings of %s are its own, whoever comes first', (name, more) => {
  const checkpoint = { config: config(more), sideFiles: new Map() };
  for (const methods of [
    [fp8, quark],
    [quark, fp8],
  ]) {
    expect(findMethod(createRegistry({ methods }), checkpoint)?.name).toBe(name);
  }
});

it.each([
  [
    ['lm_head'],
    'F8_E4M3',
    [
      `modules_to_not_convert: "lm_head" covers lm_head, but the file holds lm_head.weight_scale_inv; it is read as quantized`,
    ],
  ],
  [[], 'BF16', ['lm_head is not in modules_to_not_convert, but has no scales; it is read as unquantized']],
] as const)('the file counts, with a warning', (modules_to_not_convert, dtype, warnings) => {
  const names = dtype === 'BF16' ? ['lm_head.weight'] : ['lm_head.weight', 'lm_head.weight_scale_inv'];
  const tensors = new Map(names.map((name) => [name, { name, dtype, shape: [1, 1], file: 'f', start: 0, end: 1 }]));
  const parsed = fp8.parseConfig({ config: config({ modules_to_not_convert }), sideFiles: new Map(), tensors });
  const module = { kind: 'linear', name: 'lm_head', outFeatures: 1, inFeatures: 1, hasBias: false } as const;
  expect(parsed.linearScheme({ ...module, role: 'projection' })).toMatchObject({ warnings });
});
