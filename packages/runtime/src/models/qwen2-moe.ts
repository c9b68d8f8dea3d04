import { readDecoderConfig } from './decoder-config.ts';
import { decoderProgram } from './decoder-program.ts';
import type { ModelDefinition } from './model-definition.ts';
import { qwenFeedForward, readCount } from './moe-config.ts';

/** Qwen1.5 and Qwen2 with experts: a shared expert with a gate of its own stands beside them. */
export const qwen2Moe: ModelDefinition = {
  modelTypes: ['qwen2_moe'],
  about: 'experts, and one that every token goes through behind a gate of its own',
  program({ config }) {
    const decoder = readDecoderConfig({ use_sliding_window: false, ...config });
    const shared = {
      name: 'mlp.shared_expert',
      gate: 'mlp.shared_expert_gate',
      intermediateSize: readCount(config, 'shared_expert_intermediate_size'),
    };
    return decoderProgram(decoder, {
      qkvBias: config.qkv_bias !== false,
      outputBias: false,
      headNorms: false,
      feedForward: (layer) => qwenFeedForward(config, layer, decoder, shared),
    });
  },
};
