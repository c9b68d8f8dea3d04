import { readDecoderConfig } from './decoder-config.ts';
import { decoderProgram } from './decoder-program.ts';
import type { ModelDefinition } from './model-definition.ts';

/**
 * Mistral 7B and its dense kin: Llama without biases. Early versions attend within a sliding window; a file that does
 * not mention it means 4,096, a null means none.
 */
export const mistral: ModelDefinition = {
  modelTypes: ['mistral'],
  about: 'Llama without biases; sliding window',
  program({ config }) {
    const decoder = readDecoderConfig({ sliding_window: 4096, ...config });
    const { intermediateSize } = decoder;
    return decoderProgram(decoder, {
      qkvBias: false,
      outputBias: false,
      headNorms: false,
      feedForward: () => ({ kind: 'dense', name: 'mlp', intermediateSize, hasBias: false }),
    });
  },
};
