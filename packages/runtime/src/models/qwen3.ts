import { readDecoderConfig } from './decoder-config.ts';
import { decoderProgram } from './decoder-program.ts';
import type { ModelDefinition } from './model-definition.ts';

/** Qwen3 (dense): no biases unless `attention_bias`; queries and keys are normalized per head. */
export const qwen3: ModelDefinition = {
  modelTypes: ['qwen3'],
  program: (config) =>
    decoderProgram(readDecoderConfig({ use_sliding_window: false, ...config }), {
      qkvBias: config.attention_bias === true,
      outputBias: config.attention_bias === true,
      mlpBias: false,
      headNorms: true,
    }),
};
