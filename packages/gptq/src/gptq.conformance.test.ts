import { testMethod } from '@lowbit/testkit';
import manifest from '../package.json' with { type: 'json' };
import gptq from './index.ts';

const fixtures = [
  'micro-llama-gptq-2b',
  'micro-llama-gptq-asym-z0', // zero points of 0 that borrowed when they were stored
  'micro-llama-gptq-desc-act',
  'micro-llama-gptq-dynamic', // 4 and 8 bits, groups of 32 and 64, one module left out
  'micro-llama-gptq-v2',
  'micro-qwen3-gptq-3b',
  'micro-qwen3-moe-gptq',
  'micro-qwen3-auto-round', // no g_idx, negative scales, one module of 8 and one of 16 bits
];

const quantization = { quant_method: 'gptq', bits: 4, group_size: 128, desc_act: false, sym: true };
const settings = { format: 'gptq', bits: 4, groupSize: 128, symmetric: true, actOrder: false, rules: null };
const { desc_act: _, ...withoutDescAct } = quantization;

testMethod({
  method: gptq,
  manifest: manifest.lowbit,
  fixtures: fixtures.map((name) => ({ path: new URL(`__fixtures__/${name}/`, import.meta.url) })),
  accepts: [
    { name: 'the usual settings', config: { quantization_config: quantization }, settings },
    {
      name: 'the old place, beside config.json',
      config: {},
      sideFiles: { 'quantize_config.json': { bits: 4, group_size: 128, desc_act: false, sym: true } },
      settings,
    },
    {
      name: 'AutoRound',
      config: {
        quantization_config: {
          ...withoutDescAct,
          quant_method: 'auto-round',
          packing_format: 'auto_round:auto_gptq',
          extra_config: { 'model.layers.0.mlp.up_proj': { bits: 8 }, lm_head: { bits: 16 } },
        },
      },
      settings: {
        ...settings,
        rules: 'extra_config: "model.layers.0.mlp.up_proj" 8-bit; extra_config: "lm_head" unquantized',
      },
    },
    {
      name: 'an unknown field',
      config: { quantization_config: { ...quantization, turbo: true } },
      settings,
      warnings: ['config.json: quantization_config.turbo: unknown field, not read'],
    },
  ],
  rejects: [
    {
      name: 'no desc_act',
      config: { quantization_config: withoutDescAct },
      message: 'config.json: quantization_config: expected desc_act, true or false, found nothing',
    },
    {
      name: 'two files that disagree',
      config: { quantization_config: quantization },
      sideFiles: { 'quantize_config.json': { ...quantization, group_size: 64 } },
      message:
        'quantize_config.json: group_size: expected 128, as config.json: quantization_config.group_size says, found 64',
    },
    {
      name: 'a layout made for one kernel',
      config: { quantization_config: { ...quantization, checkpoint_format: 'marlin' } },
      message: 'permuted for the Marlin GPU kernel',
    },
  ],
});
