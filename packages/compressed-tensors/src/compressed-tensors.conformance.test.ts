import { testMethod } from '@lowbit/testkit';
import manifest from '../package.json' with { type: 'json' };
import compressedTensors from './index.ts';

const fixtures = [
  'micro-llama-ct-kv-fp8', // scales of a KV cache in fp8
  'micro-llama-ct-mixed', // FP8 and int4 in one model, targets by regular expression, a format per group
  'micro-llama-ct-mxfp4', // exponents as scales
  'micro-llama-ct-nvfp4', // global scales of weights and inputs
  'micro-llama-ct-w4a16-actorder', // weight_g_idx
  'micro-mixtral-ct-w4a16-newnames', // experts as gate_proj, up_proj, down_proj
  'micro-qwen2-ct-w4a16-asym', // zero points packed along the outputs, biases, tied head
  'micro-qwen2-ct-w8a8-static-asym', // input_scale, input_zero_point
  'micro-qwen3-ct-fp8-block', // blocks of 128 x 128, the last ones partial
];

const w4a16 = {
  quant_method: 'compressed-tensors',
  format: 'pack-quantized',
  config_groups: { group_0: { targets: ['Linear'], weights: { num_bits: 4, group_size: 128 } } },
  ignore: ['lm_head'],
};

testMethod({
  method: compressedTensors,
  manifest: manifest.lowbit,
  fixtures: fixtures.map((name) => ({ path: new URL(`__fixtures__/${name}/`, import.meta.url) })),
  accepts: [
    {
      name: 'the least that a file says',
      config: { quantization_config: w4a16 },
      settings: { format: 'pack-quantized', group_0: 'w4a16: Linear', ignore: 'lm_head', version: null, kvCache: null },
    },
    {
      name: 'the oldest place, and another spelling of the method',
      config: { compression_config: { ...w4a16, quant_method: 'Compressed_Tensors' } },
      settings: { group_0: 'w4a16: Linear' },
    },
    {
      name: 'a preset with its targets',
      config: { quantization_config: { ...w4a16, config_groups: { fp8_dynamic: ['Linear'] } } },
      settings: { fp8_dynamic: 'w8a8-fp8: Linear' },
    },
    {
      name: 'an unknown field',
      config: { quantization_config: { ...w4a16, turbo: true } },
      settings: { format: 'pack-quantized' },
      warnings: ['config.json: quantization_config.turbo: unknown field, not read'],
    },
  ],
  rejects: [
    {
      name: 'no groups',
      config: { quantization_config: { ...w4a16, config_groups: null } },
      message:
        'config.json: quantization_config.config_groups: expected an object of groups, or of presets with their targets, found null',
    },
    {
      name: 'a form that is not read',
      config: { quantization_config: { ...w4a16, format: 'marlin-24' } },
      message: 'marlin-24 checkpoints are not supported',
    },
  ],
});
