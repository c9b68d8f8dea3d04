import { ConfigError, type JsonObject } from '@lowbit/core';
import type { DecoderConfig } from './decoder-config.ts';
import type { ExpertsFeedForward, FeedForward } from './feed-forward.ts';

/** Numbers of a mixture of experts in `config.json`. */
export interface MoeConfig {
  readonly numExperts: number;
  readonly topK: number;
}

/** Reads the number of experts, by default under `num_experts` or `num_local_experts`, and how many a token uses. */
export function readMoeConfig(
  config: JsonObject,
  field = config.num_experts === undefined ? 'num_local_experts' : 'num_experts',
): MoeConfig {
  const numExperts = readCount(config, field);
  const topK = readCount(config, 'num_experts_per_tok');
  if (topK <= numExperts) return { numExperts, topK };
  throw new ConfigError({
    file: 'config.json',
    field: 'num_experts_per_tok',
    expected: `at most the ${numExperts} experts there are`,
    actual: topK,
  });
}

/** @throws ConfigError for anything but a whole number above 0 */
export function readCount(config: JsonObject, field: string): number {
  const value = config[field];
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 31) return value;
  throw new ConfigError({ file: 'config.json', field, expected: 'a whole number above 0', actual: value });
}

/**
 * What stands after attention in a layer of Qwen's models with experts: softmax over all of them, then the best, their
 * weights normalized where `norm_topk_prob` says so. Every `decoder_sparse_step`th layer has experts, but for those that
 * `mlp_only_layers` names.
 */
export function qwenFeedForward(
  config: JsonObject,
  layer: number,
  { intermediateSize }: DecoderConfig,
  shared?: ExpertsFeedForward['shared'],
): FeedForward {
  if (!hasExperts(config, layer)) return { kind: 'dense', name: 'mlp', intermediateSize, hasBias: false };
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
    ...(shared ? { shared } : {}),
  };
}

function hasExperts({ decoder_sparse_step: step = 1, mlp_only_layers: dense }: JsonObject, layer: number): boolean {
  if (Array.isArray(dense) && dense.includes(layer)) return false;
  return typeof step === 'number' && step > 0 && (layer + 1) % step === 0;
}
