import type { FormatVariant, QuantizationMethod } from '@lowbit/core';
import { parseQuarkConfig } from './quark-config.ts';

const linear = ['linear', 'moe', 'head'] as const;

const variants: readonly FormatVariant[] = [
  {
    name: 'int8, uint8; per tensor, per channel',
    modules: linear,
    status: 'supported',
    note: 'inputs plain, static or dynamic',
  },
  {
    name: 'int8, uint8; per group',
    modules: linear,
    status: 'supported',
    note: 'by the packing rule only: no checkpoint was at hand',
  },
  {
    name: 'int4, uint4; per group, per channel',
    modules: linear,
    status: 'supported',
    note: 'pack_method reorder or order',
  },
  {
    name: 'int4, uint4; per tensor',
    modules: linear,
    status: 'supported',
    note: 'by the packing rule only: no checkpoint was at hand',
  },
  {
    name: 'int2, int3',
    modules: linear,
    status: 'supported',
    note: 'by the packing rule only: no checkpoint was at hand',
  },
  {
    name: 'fp8 e4m3; per tensor, per channel',
    modules: linear,
    status: 'supported',
    note: 'inputs plain, static or dynamic per token',
  },
  {
    name: 'fp8 e4m3, e5m2; per block, per group',
    modules: linear,
    status: 'supported',
    note: 'by the layout only: no checkpoint was at hand',
  },
  { name: 'MXFP4', modules: linear, status: 'supported', note: 'inputs plain, MXFP4 or static fp8' },
  {
    name: 'MXFP6 e2m3, e3m2',
    modules: linear,
    status: 'supported',
    note: 'e3m2 by the packing rule only: no checkpoint was at hand',
  },
  { name: 'NVFP4, in two stages', modules: linear, status: 'supported' },
  {
    name: 'int4 of fp8, in two stages',
    modules: linear,
    status: 'supported',
    note: 'by the layout only: no checkpoint was at hand',
  },
  { name: 'custom mode fp8', modules: linear, status: 'supported', note: 'quant_method fp8 with an export key' },
  { name: 'custom mode awq', modules: linear, status: 'supported', note: 'by @lowbit/awq' },
  { name: 'fake-quantized weights', modules: linear, status: 'supported', note: 'read as the floats they are' },
  {
    name: 'uint2, int16, uint16, int32, fp8 e5m3, mx, mx6, mx9, bfp16',
    modules: linear,
    status: 'refused',
    note: 'no layout in files, or none that can be described',
  },
  { name: 'rotations at run time, SVDQuant', modules: linear, status: 'refused', note: 'more than a linear' },
  { name: 'quantized outputs, quantized biases', modules: linear, status: 'refused' },
  { name: 'KV cache in fp8 or int8, static per tensor', modules: ['kvCache'], status: 'supported' },
  { name: 'other KV caches', modules: ['kvCache'], status: 'refused', note: 'kept unquantized, with a warning' },
  { name: 'quantized embeddings', modules: ['embedding'], status: 'refused' },
];

/** Checkpoints of AMD Quark, in its own spelling and in its fp8 custom mode. */
export const quark: QuantizationMethod = {
  specificationVersion: 'v1',
  name: 'quark',
  // Other tools write quant_method fp8 too, without the settings of an exporter.
  match: { quantMethod: ['quark'], configs: [{ quantMethod: 'fp8', keys: ['export'] }] },
  variants,
  parseConfig: parseQuarkConfig,
};
