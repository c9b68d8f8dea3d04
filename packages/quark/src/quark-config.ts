import {
  type CheckpointMetadata,
  type EmbeddingSpec,
  expertsAsLinears,
  type LinearScheme,
  type LinearSpec,
  type QuantizationConfig,
  type Refusal,
  type SchemeAnswer,
  type TensorRef,
  type UnusedRule,
} from '@lowbit/core';
import { attentionScalesUnused, chooseKvCache, formatKvCache, isSupported } from './kv-cache.ts';
import type { LayerSpec } from './layer-spec.ts';
import { findExtra, hasWeightScale, type StoredZeroPoints, storedZeroPoints } from './quark-names.ts';
import { type QuarkSettings, readSettings } from './quark-settings.ts';
import { refuseInput } from './schemes/input-quantization.ts';
import { quantizesWeight, quarkLinear } from './schemes/quark-linear.ts';
import { schemeName } from './schemes/scheme-name.ts';
import { refuseWeight } from './schemes/weight-refusal.ts';

type Tensors = ReadonlyMap<string, TensorRef>;

/**
 * The settings of a Quark checkpoint: `exclude` first, then the first pattern of `layer_quant_config`, the settings of
 * the class `Linear`, and the global ones. Where settings and tensors disagree about whether a module is quantized, the
 * tensors are right, and a warning says so.
 * @throws ConfigError, RefusedError as `readSettings`
 */
export function parseQuarkConfig({ tensors, ...checkpoint }: CheckpointMetadata): QuantizationConfig {
  const settings = readSettings({ ...checkpoint, tensors });
  const zeroPoints = storedZeroPoints(tensors);
  const linearScheme = (module: LinearSpec) => chooseLinear(module, settings, tensors, zeroPoints);
  return {
    method: 'quark',
    settings: canonical(settings),
    warnings: [...settings.warnings, ...attentionWarnings(settings, tensors)],
    ...(settings.legacyFp8 ? { aliases: ['fp8'] } : {}),
    unused: unusedRules(settings),
    linearScheme,
    moeScheme: (block) => expertsAsLinears(block, linearScheme),
    embeddingScheme: (module) => chooseEmbedding(module, tensors),
    kvCacheScheme: (module) => chooseKvCache(module, settings.kvCache, zeroPoints.output),
  };
}

function canonical(settings: QuarkSettings): QuantizationConfig['settings'] {
  const { global, layers, linears, exclude, packMethod, weightFormat, kvCache } = settings;
  const patterns = layers.map(({ pattern, spec }) => `${pattern.text}: ${schemeName(spec)}`);
  const list = [...patterns, ...(linears ? [`Linear: ${schemeName(linears)}`] : [])].join(', ');
  return {
    scheme: schemeName(global),
    layers: list === '' ? null : list,
    exclude: exclude.length === 0 ? null : exclude.map(({ text }) => text).join(', '),
    packMethod,
    weightFormat,
    kvCache: kvCache ? formatKvCache(kvCache) : null,
  };
}

function attentionWarnings({ kvCache, postRope, softmax }: QuarkSettings, tensors: Tensors): readonly string[] {
  const warnings: string[] = [];
  if (kvCache && !isSupported(kvCache)) {
    warnings.push(`the KV cache is kept unquantized: ${formatKvCache(kvCache)} is not supported`);
  } else if (kvCache && !postRope) {
    warnings.push('kv_cache_post_rope is not set: the scales of keys were measured before RoPE and are used after it');
  }
  const ofAttention = [...tensors.keys()].some((name) =>
    /\.(?:q_proj\.output_scale|q_scale|prob_output_scale)$/.test(name),
  );
  if (softmax || ofAttention) warnings.push('attention is computed unquantized: queries and probabilities stay floats');
  return warnings;
}

function unusedRules({ kvCache, softmax, weightFormat }: QuarkSettings): readonly UnusedRule[] {
  const record: UnusedRule = {
    reason: 'a scale that fake-quantized weights were rounded with: the weights are floats',
    matches: (name) => /\.weight_(?:scale|zero_point)(?:_\d+)?$/.test(name),
  };
  return [
    ...(kvCache || softmax ? [attentionScalesUnused] : []),
    ...(weightFormat === 'fake_quantized' ? [record] : []),
  ];
}

function chooseLinear(
  module: LinearSpec,
  settings: QuarkSettings,
  tensors: Tensors,
  zeroPoints: StoredZeroPoints,
): SchemeAnswer<LinearScheme> {
  const { name, role, tiedTo } = module;
  const { exclude, excludeField, packMethod, weightFormat } = settings;
  if (tiedTo !== undefined) return { kind: 'unquantized', rule: `tied to ${tiedTo}` };
  const extra = findExtra(tensors, name);
  if (extra) return refused('EXTRA_TENSOR', `${name}: the file holds ${extra.tensor}, ${extra.what}`);

  const stored = hasWeightScale(tensors, name);
  const excluded = exclude.find(({ covers }) => covers(name));
  if (excluded && !stored) return { kind: 'unquantized', rule: `${excludeField}: ${JSON.stringify(excluded.text)}` };
  const spec = specOf(name, settings);
  if (!quantizesWeight(spec) && spec.input.length === 0)
    return { kind: 'unquantized', rule: `${spec.place} quantizes nothing` };
  if (quantizesWeight(spec) && weightFormat === 'real_quantized' && !stored && isFloat(tensors, name)) {
    const warning = `${name} is not in ${excludeField}, but the file holds plain weights; it is read as unquantized`;
    return {
      kind: 'unquantized',
      rule: `the file holds a plain ${name}.weight`,
      warnings: role === 'router' ? [] : [warning],
    };
  }
  const refusal = refuseWeight(spec.weight) ?? refuseInput(spec.input) ?? refuseRest(module, spec, settings);
  if (refusal) return { kind: 'refused', refusal };
  const warnings = excluded
    ? [
        `${excludeField}: ${JSON.stringify(excluded.text)} covers ${name}, but the file holds scales for it; it is read as quantized`,
      ]
    : [];
  return { kind: 'scheme', scheme: quarkLinear(spec, { packMethod, weightFormat, zeroPoints }), warnings };
}

function specOf(name: string, { layers, linears, global }: QuarkSettings): LayerSpec {
  return layers.find(({ pattern }) => pattern.covers(name))?.spec ?? linears ?? global;
}

function isFloat(tensors: Tensors, name: string): boolean {
  return ['BF16', 'F16', 'F32'].includes(tensors.get(`${name}.weight`)?.dtype ?? '');
}

/** Outputs that are cached keys and values are the KV cache's business; with such a cache, queries are quantized too. */
function refuseRest({ name, hasBias }: LinearSpec, spec: LayerSpec, { kvCache }: QuarkSettings): Refusal | undefined {
  const { bias, output, place } = spec;
  if (hasBias && bias.length > 0) return refusalOf('BIAS', `${place}.bias: ${name} has a quantized bias`);
  const cached = kvCache && (name.endsWith('q_proj') || kvCache.group.some(({ covers }) => covers(name)));
  if (output.length > 0 && !cached)
    return refusalOf('OUTPUT', `${place}.output_tensors: the output of ${name} is quantized`);
  return undefined;
}

function chooseEmbedding({ name }: EmbeddingSpec, tensors: Tensors): SchemeAnswer<never> {
  if (hasWeightScale(tensors, name)) return refused('EMBEDDING', `${name}: quantized embeddings are not supported`);
  return { kind: 'unquantized', rule: 'Quark leaves embeddings as they are' };
}

function refused(code: string, message: string): SchemeAnswer<never> {
  return { kind: 'refused', refusal: refusalOf(code, message) };
}

function refusalOf(code: string, message: string): Refusal {
  return { by: 'quark', code, message };
}
