import type { FormatVariant, QuantizationMethod } from '@lowbit/core';
import { parseCompressedTensorsConfig } from './compressed-tensors-config.ts';

const everywhere = ['linear', 'moe', 'head', 'embedding'] as const;
const linears = ['linear', 'moe', 'head'] as const;

const variants: readonly FormatVariant[] = [
  {
    name: 'pack-quantized, 4-, 8-bit',
    modules: everywhere,
    status: 'supported',
    note: 'per channel, group or tensor, symmetric or not, with and without weight_g_idx',
  },
  {
    name: 'pack-quantized, 1-, 2-, 3-, 5-, 6-, 7-bit',
    modules: everywhere,
    status: 'supported',
    note: 'packed as before 0.18 or since; a checkpoint was at hand for 3-bit only',
  },
  {
    name: 'int-quantized',
    modules: linears,
    status: 'supported',
    note: 'weights of up to 8 bits; int or fp8 inputs, static per tensor or dynamic per token, group or tensor',
  },
  {
    name: 'float-quantized, naive-quantized',
    modules: everywhere,
    status: 'supported',
    note: 'fp8 weights per tensor, channel, group or block; inputs as with int-quantized',
  },
  {
    name: 'nvfp4-pack-quantized',
    modules: everywhere,
    status: 'supported',
    note: 'inputs as they are, or dynamic "local"',
  },
  {
    name: 'mxfp4-pack-quantized, mxfp6-pack-quantized, mxfp8-quantized',
    modules: everywhere,
    status: 'supported',
    note: 'inputs as they are, or dynamic',
  },
  { name: 'mixed-precision', modules: everywhere, status: 'supported' },
  {
    name: 'sparse-bitmask, sparse-24-bitmask, marlin-24',
    modules: linears,
    status: 'refused',
    note: 'sparse weights that library 0.15 no longer reads either',
  },
  {
    name: 'asymmetric float inputs, stored scales of inputs per group or head',
    modules: linears,
    status: 'refused',
  },
  { name: 'quantized outputs', modules: linears, status: 'refused' },
  {
    name: 'rotations at run time (transform_config)',
    modules: linears,
    status: 'refused',
    note: 'those inside the stored weights need nothing',
  },
  {
    name: 'kv_cache_scheme, attention groups, fp8 or int8',
    modules: ['kvCache'],
    status: 'supported',
    note: 'static scales per tensor or attn_head; queries are not quantized',
  },
  {
    name: 'kv_cache_scheme, attention groups, anything else',
    modules: ['kvCache'],
    status: 'refused',
    note: 'the model runs; its cache is not quantized, and a warning says so',
  },
];

/** compressed-tensors checkpoints of llm-compressor and of tools that write the same. */
export const compressedTensors: QuantizationMethod = {
  specificationVersion: 'v1',
  name: 'compressed-tensors',
  match: { quantMethod: ['compressed-tensors', 'compressed_tensors'] },
  variants,
  parseConfig: parseCompressedTensorsConfig,
};
