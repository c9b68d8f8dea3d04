import type { FormatVariant, QuantizationMethod } from '@lowbit/core';
import { parseCompressedTensorsConfig } from './compressed-tensors-config.ts';

const variants: readonly FormatVariant[] = [];

/** compressed-tensors checkpoints of llm-compressor and of tools that write the same. */
export const compressedTensors: QuantizationMethod = {
  specificationVersion: 'v1',
  name: 'compressed-tensors',
  match: { quantMethod: ['compressed-tensors', 'compressed_tensors'] },
  variants,
  parseConfig: parseCompressedTensorsConfig,
};
