import { testMethod } from '@lowbit/testkit';
import manifest from '../package.json' with { type: 'json' };
import awq from './index.ts';

const fixtures = [
  'micro-llama-awq-gemv',
  'micro-llama-awq-gemv-fast',
  'micro-llama-awq-gptqmodel-8b', // gemm, 8-bit; bf16 scales, settings also in quantize_config.json
  'micro-llama-awq-gptqmodel-sym', // zero_point false
  'micro-llama-quark-legacy-awq',
  'micro-mixtral-awq', // experts as w1, w2, w3; modules_to_not_convert; one group for 128 inputs
  'micro-qwen2-awq', // biases, tied head
];

const quantization = { quant_method: 'awq', bits: 4, group_size: 128, zero_point: true, version: 'gemm' };

testMethod({
  method: awq,
  manifest: manifest.lowbit,
  fixtures: fixtures.map((name) => ({ path: new URL(`__fixtures__/${name}/`, import.meta.url) })),
  accepts: [
    {
      name: 'the usual settings',
      config: { quantization_config: quantization },
      settings: { format: 'gemm', bits: 4, groupSize: 128, zeroPoint: true, modulesToNotConvert: null },
    },
    {
      name: 'the old spelling, beside config.json',
      config: {},
      sideFiles: { 'quant_config.json': { w_bit: 4, q_group_size: 128, zero_point: true, version: 'GEMM' } },
      settings: { format: 'gemm', bits: 4, groupSize: 128, zeroPoint: true },
    },
    {
      name: 'an unknown field',
      config: { quantization_config: { ...quantization, turbo: true } },
      settings: { bits: 4 },
      warnings: ['config.json: quantization_config.turbo: unknown field, not read'],
    },
  ],
  rejects: [
    {
      name: 'no bits',
      config: { quantization_config: { ...quantization, bits: undefined } },
      message: 'expected bits or w_bit or wbits, an integer from 2 to 8, found nothing',
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
      config: { quantization_config: { ...quantization, version: 'marlin' } },
      message: 'marlin checkpoints are not supported',
    },
  ],
});
