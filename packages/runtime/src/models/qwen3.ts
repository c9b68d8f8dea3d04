import { readDecoderConfig } from './decoder-config.ts';
import { decoderProgram } from './decoder-program.ts';
import type { ModelDefinition } from './model-definition.ts';

/** Qwen3 (dense): no biases unless `attention_bias`; queries and keys are normalized per head. */
export const qwen3: ModelDefinition = {
  modelTypes: ['qwen3', 'qwen3_vl_text'],
  about: 'queries and keys normalized per head',
  program({ config }) {
    const decoder = readDecoderConfig({ use_sliding_window: false, ...config });
    const { intermediateSize } = decoder;
    const bias = config.attention_bias === true;
    return decoderProgram(decoder, {
      qkvBias: bias,
      outputBias: bias,
      headNorms: true,
      feedForward: () => ({ kind: 'dense', name: 'mlp', intermediateSize, hasBias: false }),
    });
  },
};
