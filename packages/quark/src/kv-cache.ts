import {
  ConfigError,
  createTensorLedger,
  type KvCacheScheme,
  type KvCacheSpec,
  type SchemeAnswer,
  type TensorRef,
  type UnusedRule,
} from '@lowbit/core';
import { type JsonPlace, names, placeOf, readField } from './json-place.ts';
import type { LayerSpec } from './layer-spec.ts';
import type { CompiledPattern } from './name-patterns.ts';
import { floatDTypes } from './quark-layout.ts';
import type { TensorSpec } from './tensor-spec.ts';

/** How keys and values were quantized. They are kept unquantized; the settings tell which tensors to expect. */
export interface KvCacheSettings {
  /** Linears whose outputs are cached: `*k_proj`, `*v_proj`. */
  readonly group: readonly CompiledPattern[];
  readonly dtype: string;
  readonly dynamic: boolean;
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
  return {
    group: members.map(({ pattern }) => pattern),
    dtype: output.map(({ dtype, granularity }) => `${dtype} ${granularity}`).join(', '),
    dynamic: output.every(({ dynamic }) => dynamic === true),
    scales: 'outputs',
  };
}

/** A specification without its place. */
function meaning({ file: _, field: __, ...rest }: TensorSpec): object {
  return rest;
}

/** Suffixes of what an export holds for attention beside its linears. */
const scaleNames =
  /\.(?:[qkv]_proj\.output_(?:scale|zero_point|quantizer\.scale|quantizer\.zero_point)|[qkv]_scale|prob_output_scale)$/;

/** The tensors of a quantized KV cache, which is kept unquantized. */
export const kvScalesUnused: UnusedRule = {
  reason: 'a scale of a quantized KV cache, which is kept unquantized',
  matches: (name) => scaleNames.test(name),
};

/** Unquantized, after a look at the stored scales: they are not applied yet, but they have to be there. */
export function chooseKvCache(
  { name }: KvCacheSpec,
  settings: KvCacheSettings | undefined,
  tensors: ReadonlyMap<string, TensorRef>,
): SchemeAnswer<KvCacheScheme> {
  const projections = ['k_proj', 'v_proj'].filter((projection) =>
    settings?.group.some(({ covers }) => covers(`${name}.${projection}`)),
  );
  if (!settings || projections.length === 0) return { kind: 'unquantized', rule: 'no KV cache quantization here' };
  if (!settings.dynamic) for (const projection of projections) checkScale(name, projection, settings, tensors);
  return { kind: 'unquantized', rule: `quantized KV caches (${settings.dtype}) are not supported yet` };
}

function checkScale(
  attention: string,
  projection: string,
  { scales }: KvCacheSettings,
  tensors: ReadonlyMap<string, TensorRef>,
): void {
  const spellings =
    scales === 'attention'
      ? [`${attention}.${projection[0]}_scale`]
      : ['output_scale', 'output_quantizer.scale'].map((suffix) => `${attention}.${projection}.${suffix}`);
  const name = spellings.find((spelling) => tensors.has(spelling)) ?? spellings[0] ?? '';
  const shape = tensors.get(name)?.shape.length === 1 ? [1] : [];
  createTensorLedger(tensors).claim(name, { dtype: floatDTypes, shape });
}
