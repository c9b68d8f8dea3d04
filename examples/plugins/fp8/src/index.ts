import type { QuantizationMethod } from '@lowbit/core';
import { parseFp8Config } from './fp8-config.ts';

/** Checkpoints in fine-grained FP8, as DeepSeek-V3 and Qwen3-FP8 publish them. */
const fp8: QuantizationMethod = {
  specificationVersion: 'v1',
  name: 'fp8',
  match: { quantMethod: ['fp8'] },
  variants: [
    { name: 'e4m3 in blocks, dynamic activations', modules: ['linear', 'moe', 'head'], status: 'supported' },
    { name: 'e4m3 per tensor', modules: ['linear'], status: 'refused', note: 'weight_block_size is missing' },
    { name: 'static activations', modules: ['linear'], status: 'refused' },
  ],
  parseConfig: parseFp8Config,
};

export default fp8;
