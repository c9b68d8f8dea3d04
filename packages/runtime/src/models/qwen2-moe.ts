import { readDecoderConfig } from './decoder-config.ts';
import { decoderProgram } from './decoder-program.ts';
import type { ModelDefinition } from './model-definition.ts';
import { hasExperts, readCount, readMoeConfig } from './moe-config.ts';

/** Qwen1.5 and Qwen2 with experts: as Qwen3's, and a shared expert with a gate of its own beside them. */
export const qwen2Moe: ModelDefinition = {
  modelTypes: ['qwen2_moe'],
  program({ config }) {
    const decoder = readDecoderConfig({ use_sliding_window: false, ...config });
    return decoderProgram(decoder, {
      qkvBias: config.qkv_bias !== false,
      outputBias: false,
      headNorms: false,
      feedForward(layer) {
        if (!hasExperts(config, layer)) {
          return { kind: 'dense', name: 'mlp', intermediateSize: decoder.intermediateSize, hasBias: false };
        }
        return {
          kind: 'experts',
          router: 'mlp.gate',
          experts: 'mlp.experts',
          projections: { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' },
          intermediateSize: readCount(config, 'moe_intermediate_size'),
          ...readMoeConfig(config),
          scoring: 'softmax',
          normalize: config.norm_topk_prob === true,
          scale: 1,
          shared: {
            name: 'mlp.shared_expert',
            gate: 'mlp.shared_expert_gate',
            intermediateSize: readCount(config, 'shared_expert_intermediate_size'),
          },
        };
      },
    });
  },
};
