import { readDecoderConfig } from './decoder-config.ts';
import { decoderProgram } from './decoder-program.ts';
import type { ModelDefinition } from './model-definition.ts';

/** Llama 1 to 3.x (text). `attention_bias` gives all four attention projections a bias. */
export const llama: ModelDefinition = {
  modelTypes: ['llama'],
  program: (config) =>
    decoderProgram(readDecoderConfig(config), {
      qkvBias: config.attention_bias === true,
      outputBias: config.attention_bias === true,
      mlpBias: config.mlp_bias === true,
      headNorms: false,
    }),
};
