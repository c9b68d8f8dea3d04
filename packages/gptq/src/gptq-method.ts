import type { FormatVariant, QuantizationMethod } from '@lowbit/core';
import { configFiles } from './config-files.ts';
import { parseGptqConfig } from './gptq-config.ts';

const variants: readonly FormatVariant[] = [
  {
    name: 'gptq (v1), 2-, 3-, 4-, 8-bit',
    modules: ['linear', 'moe', 'head'],
    status: 'supported',
    note: 'zero points stored minus one; with or without act-order',
  },
  { name: 'gptq_v2, 2-, 3-, 4-, 8-bit', modules: ['linear', 'moe', 'head'], status: 'supported' },
  {
    name: 'AutoRound, packing auto_gptq, gptq, gptqmodel or auto_round',
    modules: ['linear', 'moe', 'head'],
    status: 'supported',
  },
  {
    name: 'AutoRound, packing auto_awq',
    modules: ['linear'],
    status: 'refused',
    note: "AWQ's layout under AutoRound's name",
  },
  {
    name: 'marlin, marlin_24, bitblas',
    modules: ['linear'],
    status: 'refused',
    note: 'weights permuted for one GPU kernel',
  },
  { name: 'gptq_p; 5-, 6-, 7-bit', modules: ['linear'], status: 'refused', note: "GPTQModel's planes of bits" },
  { name: 'words other than int32 (pack_dtype)', modules: ['linear'], status: 'refused' },
  { name: 'quantized embeddings', modules: ['embedding'], status: 'refused' },
];

/** GPTQ checkpoints of AutoGPTQ, GPTQModel, optimum and AutoRound. */
export const gptq: QuantizationMethod = {
  specificationVersion: 'v1',
  name: 'gptq',
  match: {
    // Marlin and BitBLAS are layouts that GPTQ weights were saved in under their own name; they are refused by name.
    quantMethod: ['gptq', 'marlin', 'bitblas', 'auto-round', 'intel/auto-round'],
    files: configFiles.map((name) => ({ name, keys: ['bits', 'group_size', 'desc_act'] })),
  },
  configFiles,
  variants,
  parseConfig: parseGptqConfig,
};
