import { readDecoderConfig } from './decoder-config.ts';
import { decoderProgram } from './decoder-program.ts';
import type { ModelDefinition } from './model-definition.ts';
import { hasExperts, readCount, readMoeConfig } from './moe-config.ts';

/** Qwen3 with experts: softmax over all, then the best; their weights are normalized where `norm_topk_prob` says so. */
export const qwen3Moe: ModelDefinition = {
  modelTypes: ['qwen3_moe'],
  program({ config }) {
    const decoder = readDecoderConfig({ use_sliding_window: false, ...config });
    const bias = config.attention_bias === true;
    return decoderProgram(decoder, {
      qkvBias: bias,
      outputBias: bias,
      headNorms: true,
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
        };
      },
    });
  },
};
