import { type JsonObject, RefusedError } from '@lowbit/core';
import { type DecoderConfig, readDecoderConfig } from './decoder-config.ts';
import { decoderProgram } from './decoder-program.ts';
import { readExpertGroups, readFlag, readLatentAttention, readLayerNumber, readScale } from './deepseek-config.ts';
import type { ExpertsFeedForward, FeedForward } from './feed-forward.ts';
import type { ModelDefinition } from './model-definition.ts';
import { readCount, readMoeConfig } from './moe-config.ts';

type Routing = Pick<ExpertsFeedForward, 'scoring' | 'normalize' | 'groups' | 'choiceBias'>;

/** DeepSeek-V2 and V2-Lite: latent attention; softmax over all experts, then the best, or the best of the best groups. */
export const deepseekV2 = deepseek(
  'deepseek_v2',
  'latent attention; softmax routing, over all experts or the best groups; shared experts',
  (config) => {
    requireOneOf(config, 'scoring_func', ['softmax'], 'softmax');
    if (readFlag(config, 'norm_topk_prob', false)) {
      // DeepSeek's own code then drops routed_scaling_factor, SGLang's keeps it, Transformers' ignores the field.
      refuse('norm_topk_prob true', 'for this architecture implementations disagree on what it means');
    }
    const method = requireOneOf(config, 'topk_method', ['greedy', 'group_limited_greedy'], 'greedy');
    const groups = method === 'greedy' ? {} : readExpertGroups(config, 'largest');
    return { scoring: 'softmax', normalize: false, ...groups };
  },
);

/** DeepSeek-V3 and R1: the same attention; sigmoid scores, with a bias for the choice that keeps the load even. */
export const deepseekV3 = deepseek(
  'deepseek_v3',
  'latent attention; sigmoid routing in groups with a bias for the choice; shared experts',
  (config) => {
    requireOneOf(config, 'scoring_func', ['sigmoid'], 'sigmoid');
    requireOneOf(config, 'topk_method', ['noaux_tc'], 'noaux_tc');
    return {
      scoring: 'sigmoid',
      normalize: readFlag(config, 'norm_topk_prob', true),
      choiceBias: 'mlp.gate.e_score_correction_bias',
      ...readExpertGroups(config, 'two-largest'),
    };
  },
);

function deepseek(modelType: string, about: string, readRouting: (config: JsonObject) => Routing): ModelDefinition {
  return {
    modelTypes: [modelType],
    about,
    program({ config }) {
      const latentAttention = readLatentAttention(config);
      const decoder = readDecoderConfig({ ...config, head_dim: latentAttention.rotatedSize });
      const experts = readExperts(config, readRouting(config));
      const hasExperts = readExpertLayers(config);
      return decoderProgram(decoder, {
        latentAttention,
        feedForward: (layer) => (hasExperts(layer) ? experts : denseOf(decoder)),
      });
    },
    unused(config) {
      const extra = config.num_nextn_predict_layers;
      if (typeof extra !== 'number' || extra < 1) return [];
      const first = readCount(config, 'num_hidden_layers');
      const prefixes = Array.from({ length: Math.min(extra, 100) }, (_, index) => `model.layers.${first + index}.`);
      return [
        {
          reason: 'a layer that predicts further tokens (num_nextn_predict_layers), which no run needs',
          matches: (name) => prefixes.some((prefix) => name.startsWith(prefix)),
        },
      ];
    },
  };
}

function denseOf({ intermediateSize }: DecoderConfig): FeedForward {
  return { kind: 'dense', name: 'mlp', intermediateSize, hasBias: false };
}

/** The shared experts are one MLP, as wide as all of them together. */
function readExperts(config: JsonObject, routing: Routing): FeedForward {
  const intermediateSize = readCount(config, 'moe_intermediate_size');
  const numShared = config.n_shared_experts === null ? 0 : readCount(config, 'n_shared_experts');
  const shared = { name: 'mlp.shared_experts', intermediateSize: intermediateSize * numShared };
  return {
    kind: 'experts',
    router: 'mlp.gate',
    experts: 'mlp.experts',
    projections: { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' },
    intermediateSize,
    ...readMoeConfig(config, 'n_routed_experts'),
    ...routing,
    scale: readScale(config, 'routed_scaling_factor'),
    ...(numShared > 0 ? { shared } : {}),
  };
}

/** The first layers are dense; after them every `moe_layer_freq`th has experts. */
function readExpertLayers(config: JsonObject): (layer: number) => boolean {
  const firstLayer = readLayerNumber(config, 'first_k_dense_replace');
  const every = readCount({ moe_layer_freq: 1, ...config }, 'moe_layer_freq');
  return (layer) => layer >= firstLayer && layer % every === 0;
}

function requireOneOf(config: JsonObject, field: string, known: readonly string[], fallback: string): string {
  const value = config[field] ?? fallback;
  if (typeof value === 'string' && known.includes(value)) return value;
  return refuse(`${field} ${JSON.stringify(value)}`, `experts are chosen by ${known.join(' or ')}`);
}

function refuse(what: string, reason: string): never {
  throw new RefusedError({
    message: `config.json: ${what} is not supported`,
    refusals: [{ by: 'deepseek', code: 'ROUTING', message: reason }],
  });
}
