import { ConfigError, type ExpertGroups, isJsonObject, type JsonObject } from '@lowbit/core';
import type { LatentAttention } from './latent-attention.ts';
import { readCount, readMoeConfig } from './moe-config.ts';
import { yarnMagnitude } from './rope.ts';

/** @throws ConfigError */
export function readLatentAttention(config: JsonObject): LatentAttention {
  const numHeads = readCount(config, 'num_attention_heads');
  const numKvHeads = config.num_key_value_heads ?? numHeads;
  if (numKvHeads !== numHeads) fail('num_key_value_heads', `num_attention_heads (${numHeads})`, numKvHeads);
  const plainSize = readCount(config, 'qk_nope_head_dim');
  const rotatedSize = readCount(config, 'qk_rope_head_dim');
  if (rotatedSize % 2 !== 0) fail('qk_rope_head_dim', 'an even number', rotatedSize);
  const queryRank = config.q_lora_rank === null ? {} : { queryRank: readCount(config, 'q_lora_rank') };
  return {
    ...queryRank,
    keyValueRank: readCount(config, 'kv_lora_rank'),
    plainSize,
    rotatedSize,
    valueSize: readCount(config, 'v_head_dim'),
    interleaved: readFlag(config, 'rope_interleave', true),
    hasBias: readFlag(config, 'attention_bias', false),
    scale: (plainSize + rotatedSize) ** -0.5 * readMagnitude(config) ** 2,
  };
}

/** With `mscale_all_dim` YaRN's magnitude is part of the softmax scale, once for queries and once for keys. */
function readMagnitude(config: JsonObject): number {
  const field = isJsonObject(config.rope_parameters) ? 'rope_parameters' : 'rope_scaling';
  const scaling = config[field];
  if (!isJsonObject(scaling) || (scaling.rope_type ?? scaling.type ?? 'default') === 'default') return 1;
  if (!scaling.mscale_all_dim) return 1;
  const number = (name: string) => readScale(scaling, name, `${field}.${name}`);
  return yarnMagnitude(number('factor'), number('mscale_all_dim'));
}

/** Groups that experts are chosen from; none where all groups take part anyway. */
export function readExpertGroups(config: JsonObject, score: ExpertGroups['score']): { readonly groups?: ExpertGroups } {
  const { numExperts, topK } = readMoeConfig(config, 'n_routed_experts');
  const count = readCount(config, 'n_group');
  const chosen = readCount(config, 'topk_group');
  if (numExperts % count !== 0) fail('n_routed_experts', `a multiple of n_group (${count})`, numExperts);
  if (chosen > count) fail('topk_group', `at most the ${count} groups there are`, chosen);
  const reachable = chosen * (numExperts / count);
  if (topK > reachable) fail('num_experts_per_tok', `at most the ${reachable} experts of topk_group groups`, topK);
  return chosen === count ? {} : { groups: { count, chosen, score } };
}

/** A number from 0 on. */
export function readLayerNumber(config: JsonObject, field: string): number {
  const value = config[field];
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  return fail(field, 'a whole number, 0 or more', value);
}

export function readScale(config: JsonObject, name: string, field = name): number {
  const value = config[name];
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  return fail(field, 'a positive number', value);
}

/** A null means what a missing field means. */
export function readFlag(config: JsonObject, field: string, fallback: boolean): boolean {
  const value = config[field] ?? fallback;
  return typeof value === 'boolean' ? value : fail(field, 'true or false', value);
}

function fail(field: string, expected: string, actual: unknown): never {
  throw new ConfigError({ file: 'config.json', field, expected, actual });
}
