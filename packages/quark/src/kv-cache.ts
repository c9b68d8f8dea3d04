import {
  bitsOf,
  ConfigError,
  type KvCacheScheme,
  type KvCacheSpec,
  type SchemeAnswer,
  type UnusedRule,
} from '@lowbit/core';
import { elements, isElement } from './element-formats.ts';
import { type JsonPlace, names, placeOf, readField } from './json-place.ts';
import type { LayerSpec } from './layer-spec.ts';
import type { CompiledPattern } from './name-patterns.ts';
import { quarkKvCache } from './schemes/quark-kv-cache.ts';
import type { TensorSpec } from './tensor-spec.ts';

/** How keys and values are quantized: as the outputs of the linears that make them. */
export interface KvCacheSettings {
  /** Linears whose outputs are cached: `*k_proj`, `*v_proj`. */
  readonly group: readonly CompiledPattern[];
  /** Stages of one quantization for all of them. */
  readonly output: readonly TensorSpec[];
  /** Names of the scales of an attention module's keys and values: those of the outputs, or `k_scale` and `v_scale`. */
  readonly scales: 'outputs' | 'attention';
}

type Layers = readonly { readonly pattern: CompiledPattern; readonly spec: LayerSpec }[];

/**
 * The KV group of an export: patterns that are also keys of `layer_quant_config` (or `kv_cache_quant_config`), with one
 * quantization of outputs for all of them.
 * @throws ConfigError for a group without settings, or with several
 */
export function readKvCache(exporting: JsonPlace | undefined, sources: readonly Layers[]): KvCacheSettings | undefined {
  const group = (exporting && readField(exporting, 'kv_cache_group', names)) ?? [];
  const [layers = [], kvLayers = []] = sources;
  if (!exporting || group.length === 0) return kvLayers.length > 0 ? settingsOf(kvLayers) : undefined;
  const place = placeOf(exporting, 'kv_cache_group');
  const members = group.map((text) => {
    const member = [...layers, ...kvLayers].find(({ pattern }) => pattern.text === text);
    if (!member) {
      const keys = layers.map(({ pattern }) => JSON.stringify(pattern.text)).join(', ') || 'none';
      throw new ConfigError({ ...place, expected: `keys of layer_quant_config (${keys})`, actual: text });
    }
    return member;
  });
  const outputs = members.map(({ spec }) => spec.output.map(meaning));
  for (const [index, output] of outputs.entries()) {
    if (output.length === 0) {
      throw new ConfigError({
        ...place,
        expected: 'layers with output_tensors',
        actual: members[index]?.pattern.text,
      });
    }
    if (JSON.stringify(output) !== JSON.stringify(outputs[0])) {
      throw new ConfigError({
        ...place,
        expected: `layers with the same output_tensors as ${JSON.stringify(members[0]?.pattern.text)}`,
        actual: members[index]?.pattern.text,
      });
    }
  }
  return settingsOf(members);
}

function settingsOf(members: Layers): KvCacheSettings | undefined {
  const output = members.find(({ spec }) => spec.output.length > 0)?.spec.output;
  if (!output) return undefined;
  return { group: members.map(({ pattern }) => pattern), output, scales: 'outputs' };
}

/** A specification without its place. */
function meaning({ file: _, field: __, ...rest }: TensorSpec): object {
  return rest;
}

/** As `settings` has it: `fp8_e4m3 per_tensor static`. */
export function formatKvCache({ output }: KvCacheSettings): string {
  return output
    .map(({ dtype, granularity, dynamic }) => `${dtype} ${granularity} ${dynamic ? 'dynamic' : 'static'}`)
    .join(', ');
}

/** What is used of a quantized cache: 8 bits with one stored scale for keys and one for values. */
export function isSupported({ output: [first, ...others] }: KvCacheSettings): boolean {
  if (!first || others.length > 0 || first.dynamic !== false || first.granularity !== 'per_tensor') return false;
  return isElement(first.dtype) && bitsOf(elements[first.dtype]) === 8 && !first.floatZeroPoint;
}

const attentionScales =
  /\.(?:[qkv]_proj\.output_(?:scale|zero_point|quantizer\.scale|quantizer\.zero_point)|[qkv]_scale|prob_output_scale)$/;

/** The scales of attention that no cache uses: of queries and probabilities, or of a cache that is kept unquantized. */
export const attentionScalesUnused: UnusedRule = {
  reason: 'a scale of quantized attention, which is computed unquantized here',
  matches: (name) => attentionScales.test(name),
};

/** Quantized where both keys and values are, and in a way that is supported; otherwise unquantized, as a warning of the whole says. */
export function chooseKvCache(
  { name }: KvCacheSpec,
  settings: KvCacheSettings | undefined,
  zeroPoints: boolean,
): SchemeAnswer<KvCacheScheme> {
  const cached = ['k_proj', 'v_proj'].every((projection) =>
    settings?.group.some(({ covers }) => covers(`${name}.${projection}`)),
  );
  if (!settings || !cached) return { kind: 'unquantized', rule: 'no KV cache quantization here' };
  if (isSupported(settings)) return { kind: 'scheme', scheme: quarkKvCache(settings, zeroPoints) };
  return { kind: 'unquantized', rule: `KV caches quantized ${formatKvCache(settings)} are not supported` };
}
