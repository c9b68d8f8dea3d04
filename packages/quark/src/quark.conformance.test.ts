import { testMethod } from '@lowbit/testkit';
import manifest from '../package.json' with { type: 'json' };
import quark from './index.ts';
import { settings, specs } from './test-support/checkpoint.ts';

const fixtures = [
  'micro-llama-quark-int4-order', // int4 per group in natural order, zero points
  'micro-llama-quark-layer-config', // fp8, fp8 per token, uint4 per group in AWQ's order, MXFP4, plain
  'micro-llama-quark-legacy-fp8', // quant_method fp8, scales of a KV cache
  'micro-llama-quark-mxfp6',
  'micro-llama-quark-nvfp4', // two stages
  'micro-qwen3-moe-quark-mxfp4',
  'micro-qwen2-quark-int8-dynamic', // per channel with zero points, biases, tied head
];

testMethod({
  method: quark,
  manifest: manifest.lowbit,
  fixtures: fixtures.map((name) => ({ path: new URL(`__fixtures__/${name}/`, import.meta.url) })),
  accepts: [
    {
      name: 'one scheme for all',
      config: { quantization_config: settings(specs.mxfp4, null, { exclude: ['lm_head'] }) },
      settings: {
        scheme: 'w4a16-mxfp4',
        layers: null,
        exclude: 'lm_head',
        packMethod: 'reorder',
        weightFormat: 'real_quantized',
        kvCache: null,
      },
    },
    {
      name: 'the fp8 export in the spelling of other tools',
      config: { quantization_config: { quant_method: 'fp8', activation_scheme: 'dynamic', export: {} } },
      settings: { scheme: 'w8a8-fp8', exclude: null },
    },
    {
      name: 'settings without an exporter’s',
      config: { quantization_config: { ...settings(specs.fp8, specs.fp8), export: null } },
      settings: { scheme: 'w8a8-fp8', packMethod: 'reorder' },
      warnings: [
        'config.json: quantization_config.export is absent; pack_method reorder and weight_format real_quantized are assumed',
      ],
    },
    {
      name: 'unknown fields',
      config: {
        quantization_config: {
          ...settings({ ...specs.fp8, turbo: 1 }, null, { layer_quant_config: { a: { weight: null, wheels: 4 } } }),
          speed: 'high',
        },
      },
      settings: { scheme: 'w8a16-fp8', layers: 'a: w16a16' },
      warnings: [
        'config.json: quantization_config.speed: unknown field, not read',
        'config.json: quantization_config.layer_quant_config.a.wheels: unknown field, not read',
        'config.json: quantization_config.global_quant_config.weight.turbo: unknown field, not read',
      ],
    },
  ],
  rejects: [
    {
      name: 'no settings',
      config: {},
      message: 'config.json: quantization_config: expected the settings of a Quark checkpoint, found nothing',
    },
    {
      name: 'a dtype that Quark does not have',
      config: { quantization_config: settings({ ...specs.fp8, dtype: 'fp9' }) },
      message: 'config.json: quantization_config.global_quant_config.weight.dtype: expected one of int2, int3',
    },
    {
      name: 'a rotation at run time',
      config: { quantization_config: settings(specs.fp8, null, { algo_config: [{ name: 'rotation', r4: true }] }) },
      message: 'config.json: quantization_config.algo_config[0] is not supported',
    },
  ],
});
