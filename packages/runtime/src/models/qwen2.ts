import { readDecoderConfig } from './decoder-config.ts';
import { decoderProgram } from './decoder-program.ts';
import type { ModelDefinition } from './model-definition.ts';

/** Qwen2 and Qwen2.5: biases on query, key and value only. Windows are off unless `use_sliding_window` says so. */
export const qwen2: ModelDefinition = {
  modelTypes: ['qwen2', 'qwen2_vl_text', 'qwen2_5_vl_text'],
  about: 'biases on query, key and value',
  program({ config }) {
    const decoder = readDecoderConfig({ use_sliding_window: false, ...config });
    const { intermediateSize } = decoder;
    return decoderProgram(decoder, {
      qkvBias: true,
      outputBias: false,
      headNorms: false,
      feedForward: () => ({ kind: 'dense', name: 'mlp', intermediateSize, hasBias: false }),
    });
  },
};
