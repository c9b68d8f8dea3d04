import type { FormatVariant, QuantizationMethod } from '@lowbit/core';
import { parseAwqConfig } from './awq-config.ts';
import { configFiles } from './config-files.ts';

// Files of before config.json named a method; GPTQ's quantize_config.json has neither w_bit nor zero_point.
const oldSpelling = ['w_bit', 'q_group_size'];
const newSpelling = ['bits', 'group_size', 'zero_point'];

const variants: readonly FormatVariant[] = [
  { name: 'gemm, 4-bit', modules: ['linear', 'moe', 'head'], status: 'supported', note: 'also spelled exllama, ipex' },
  { name: 'gemm, 8-bit', modules: ['linear', 'moe', 'head'], status: 'supported' },
  {
    name: 'gemm, 2-, 3-, 5-, 6-, 7-bit',
    modules: ['linear', 'moe', 'head'],
    status: 'supported',
    note: 'by the packing rule only: no checkpoint was at hand',
  },
  { name: 'gemv, 4-bit', modules: ['linear', 'moe', 'head'], status: 'supported' },
  { name: 'gemv_fast, 4-bit', modules: ['linear', 'moe', 'head'], status: 'supported', note: 'also llm-awq' },
  { name: 'marlin, bitblas', modules: ['linear'], status: 'refused', note: 'weights permuted for one GPU kernel' },
  { name: 'per-module settings (dynamic), pack_method order', modules: ['linear'], status: 'refused' },
];

/** AWQ checkpoints of AutoAWQ, GPTQModel, AutoRound, Quark and llm-awq. */
export const awq: QuantizationMethod = {
  specificationVersion: 'v1',
  name: 'awq',
  match: {
    quantMethod: ['awq'],
    files: configFiles.flatMap((name) => [
      { name, keys: oldSpelling },
      { name, keys: newSpelling },
    ]),
  },
  configFiles,
  variants,
  parseConfig: parseAwqConfig,
};
