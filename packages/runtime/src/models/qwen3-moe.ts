import { readDecoderConfig } from './decoder-config.ts';
import { decoderProgram } from './decoder-program.ts';
import type { ModelDefinition } from './model-definition.ts';
import { qwenFeedForward } from './moe-config.ts';

/** Qwen3 with experts. */
export const qwen3Moe: ModelDefinition = {
  modelTypes: ['qwen3_moe'],
  about: 'Qwen3 with experts',
  program({ config }) {
    const decoder = readDecoderConfig({ use_sliding_window: false, ...config });
    const bias = config.attention_bias === true;
    return decoderProgram(decoder, {
      qkvBias: bias,
      outputBias: bias,
      headNorms: true,
      feedForward: (layer) => qwenFeedForward(config, layer, decoder),
    });
  },
};
