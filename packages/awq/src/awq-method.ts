import type { QuantizationMethod } from '@lowbit/core';
import { parseAwqConfig } from './awq-config.ts';
import { configFiles } from './config-source.ts';

// Files of before config.json named a method; GPTQ's quantize_config.json has neither w_bit nor zero_point.
const oldSpelling = ['w_bit', 'q_group_size'];
const newSpelling = ['bits', 'group_size', 'zero_point'];

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
  parseConfig: parseAwqConfig,
};
