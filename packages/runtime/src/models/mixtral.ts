import { readDecoderConfig } from './decoder-config.ts';
import { decoderProgram } from './decoder-program.ts';
import type { ModelDefinition } from './model-definition.ts';
import { readMoeConfig } from './moe-config.ts';

/**
 * Mixtral: Mistral whose MLPs are experts. The softmax over the best experts only equals the softmax over all,
 * normalized. Its experts have had three spellings: `block_sparse_moe.experts.0.w1` as published,
 * `block_sparse_moe.experts.0.gate_proj` and `mlp.experts.0.gate_proj` as newer tools write them.
 */
export const mixtral: ModelDefinition = {
  modelTypes: ['mixtral'],
  about: 'Mistral with experts, in three spellings of their names',
  program({ config, tensors }) {
    const decoder = readDecoderConfig(config);
    const names = [...tensors.keys()];
    const block = names.some((name) => name.startsWith('model.layers.0.mlp.')) ? 'mlp' : 'block_sparse_moe';
    const newer = names.some((name) => /^model\.layers\.0\.\w+\.experts\.(0\.gate_proj|gate_up_proj)/.test(name));
    return decoderProgram(decoder, {
      qkvBias: false,
      outputBias: false,
      headNorms: false,
      feedForward: () => ({
        kind: 'experts',
        router: `${block}.gate`,
        experts: `${block}.experts`,
        projections: newer
          ? { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' }
          : { gate: 'w1', up: 'w3', down: 'w2' },
        intermediateSize: decoder.intermediateSize,
        ...readMoeConfig(config),
        scoring: 'softmax',
        normalize: true,
        scale: 1,
      }),
    });
  },
};
