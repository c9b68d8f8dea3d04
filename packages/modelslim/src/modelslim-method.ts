import type { FormatVariant, QuantizationMethod } from '@lowbit/core';
import { descriptionPattern } from './description-file.ts';
import { parseModelSlimConfig } from './modelslim-config.ts';

const linear: FormatVariant['modules'] = ['linear', 'moe', 'head', 'embedding'];

const variants: readonly FormatVariant[] = [
  { name: 'FLOAT, W16A16S', modules: linear, status: 'supported' },
  { name: 'W8A8', modules: linear, status: 'supported', note: 'integer execution with the stored constants' },
  { name: 'W8A8_MIX', modules: linear, status: 'supported', note: 'dynamic for prompts, static for generated tokens' },
  { name: 'W8A8_DYNAMIC', modules: linear, status: 'supported', note: 'per channel or per group' },
  { name: 'W8A16', modules: linear, status: 'supported', note: 'per channel or per group' },
  { name: 'W4A16', modules: linear, status: 'supported', note: 'a code per byte, or pairs along either axis' },
  { name: 'W4A8_DYNAMIC', modules: linear, status: 'supported', note: 'one level of scales or two' },
  { name: 'W4A4_DYNAMIC', modules: linear, status: 'supported', note: 'per channel or per group' },
  { name: 'WFP8AFP8_DYNAMIC', modules: linear, status: 'supported', note: 'also spelled W8A8FP8_DYNAMIC' },
  { name: 'W8A8_MXFP8, W4A8_MXFP, W4A4_MXFP4, W4A16_MXFP4', modules: linear, status: 'supported' },
  {
    name: 'W4A4_MXFP4_DUALSCALE',
    modules: linear,
    status: 'supported',
    note: 'activations stay unquantized, with a warning',
  },
  { name: 'C8', modules: ['kvCache'], status: 'supported', note: 'int8 per channel' },
  {
    name: 'FAQuant, FAKQuant',
    modules: ['kvCache'],
    status: 'refused',
    note: 'attention is computed unquantized, with a warning',
  },
  {
    name: 'FLATQUANT, SVD, QuaRot at run time, non-fusion smoothing',
    modules: linear,
    status: 'refused',
    note: 'transforms of activations at run time',
  },
  { name: 'W8A8S, W8A8SC, W16A16SC', modules: linear, status: 'refused', note: 'layouts of one chip' },
  { name: 'NF4, W8A8_TIMESTEP', modules: linear, status: 'refused' },
];

/** Checkpoints of msModelSlim, the quantization tool for Ascend: AscendV1, MindIE and the older V0 exports. */
export const modelslim: QuantizationMethod = {
  specificationVersion: 'v1',
  name: 'modelslim',
  match: {
    quantMethod: ['modelslim', 'ascend'],
    // Engines go by the file's name. A description without the summary still describes an embedding or a head.
    files: ['model_quant_type', 'model.embed_tokens.weight', 'lm_head.weight'].map((key) => ({
      name: descriptionPattern,
      keys: [key],
      overrides: true,
    })),
  },
  configFiles: [descriptionPattern],
  variants,
  parseConfig: parseModelSlimConfig,
};
