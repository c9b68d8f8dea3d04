import { ConfigError, type JsonObject } from '@lowbit/core';

/** Numbers of a mixture of experts in `config.json`. */
export interface MoeConfig {
  readonly numExperts: number;
  readonly topK: number;
}

/** Reads the number of experts under any of its names (`num_experts`, `num_local_experts`) and how many a token uses. */
export function readMoeConfig(config: JsonObject): MoeConfig {
  const numExperts = readCount(config, config.num_experts === undefined ? 'num_local_experts' : 'num_experts');
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
 * Layers with experts: every `decoder_sparse_step`th, but for those that `mlp_only_layers` names.
 */
export function hasExperts(config: JsonObject, layer: number): boolean {
  const { decoder_sparse_step: step = 1, mlp_only_layers: dense } = config;
  if (Array.isArray(dense) && dense.includes(layer)) return false;
  return typeof step === 'number' && step > 0 && (layer + 1) % step === 0;
}
