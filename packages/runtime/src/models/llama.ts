import { readDecoderConfig } from './decoder-config.ts';
import { decoderProgram } from './decoder-program.ts';
import type { ModelDefinition } from './model-definition.ts';

/** Llama 1 to 3.x (text). `attention_bias` gives all four attention projections a bias. */
export const llama: ModelDefinition = {
  modelTypes: ['llama'],
  about: 'Llama 1 to 3.x and what shares its architecture; biases where `attention_bias` or `mlp_bias` says so',
  program({ config }) {
    const decoder = readDecoderConfig(config);
    const bias = config.attention_bias === true;
    const hasBias = config.mlp_bias === true;
    return decoderProgram(decoder, {
      qkvBias: bias,
      outputBias: bias,
      headNorms: false,
      feedForward: () => ({ kind: 'dense', name: 'mlp', intermediateSize: decoder.intermediateSize, hasBias }),
    });
  },
};
