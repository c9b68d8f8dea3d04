import { type CheckpointMetadata, ConfigError, findQuantizationConfig } from '@lowbit/core';
import { checkAlgorithms } from './algorithms.ts';
import { type PackMethod, readExport, type WeightFormat } from './export-settings.ts';
import { boolean, type JsonPlace, names, oneOf, placeOf, readField, readPlace, unknownFields } from './json-place.ts';
import { type KvCacheSettings, readKvCache } from './kv-cache.ts';
import { type LayerSpec, readLayerSpec } from './layer-spec.ts';
import { legacyFp8Settings } from './legacy-fp8.ts';
import { type CompiledPattern, excludePattern, layerPattern } from './name-patterns.ts';

/** The settings of a checkpoint in one spelling. */
export interface QuarkSettings {
  readonly global: LayerSpec;
  /** In document order: the first that covers a name counts. */
  readonly layers: readonly { readonly pattern: CompiledPattern; readonly spec: LayerSpec }[];
  /** For all that no pattern covers: the settings of the module class `Linear`. */
  readonly linears: LayerSpec | undefined;
  readonly exclude: readonly CompiledPattern[];
  /** What the list is called: `exclude`, or `ignored_layers`. */
  readonly excludeField: string;
  readonly packMethod: PackMethod;
  readonly weightFormat: WeightFormat;
  readonly kvCache: KvCacheSettings | undefined;
  /** The scales of keys were measured after RoPE, where they are used. */
  readonly postRope: boolean;
  /** The probabilities of attention are quantized too. */
  readonly softmax: boolean;
  /** An export in the spelling of other tools, `quant_method: fp8`. */
  readonly legacyFp8: boolean;
  readonly warnings: readonly string[];
}

const known: ReadonlySet<string> = new Set([
  ...['quant_method', 'global_quant_config', 'layer_quant_config', 'layer_type_quant_config', 'exclude', 'export'],
  ...['algo_config', 'softmax_quant_spec', 'kv_cache_quant_config', 'kv_cache_post_rope'],
  // Free text.
  'version',
  // Which of Quark's two tracers ran; the files are the same.
  'quant_mode',
  // Written into the object by a serving engine, not by Quark.
  ...['requantization_method', 'packed_modules_mapping', 'hf_config'],
]);

const quantMode = oneOf({ eager_mode: true, fx_graph_mode: true });

/** @throws ConfigError for settings that are missing, malformed or contradictory; RefusedError for algorithms that need more than a linear */
export function readSettings({ config, tensors }: CheckpointMetadata): QuarkSettings {
  const embedded = findQuantizationConfig(config);
  if (!embedded) {
    throw new ConfigError({
      file: 'config.json',
      field: 'quantization_config',
      expected: 'the settings of a Quark checkpoint',
      actual: undefined,
    });
  }
  const [file = '', field = ''] = embedded.source.split(': ');
  const at: JsonPlace = { file, field, value: embedded.value };
  const method = oneOf({ quark: 'quark', fp8: 'fp8' } as const);
  if (readField(at, 'quant_method', method) === 'fp8') return legacyFp8Settings(at, tensors);

  const warnings = [...unknownFields(at, known)];
  readField(at, 'quant_mode', quantMode);
  const exporting = readExport(at, warnings);
  warnings.push(...checkAlgorithms(at));
  const global = readPlace(at, 'global_quant_config');
  if (!global) {
    const actual = at.value.global_quant_config;
    throw new ConfigError({
      ...placeOf(at, 'global_quant_config'),
      expected: 'the settings of all other layers',
      actual,
    });
  }
  const byType = readPlace(at, 'layer_type_quant_config');
  const linears = byType && readPlace(byType, 'Linear');
  const layers = readLayers(at, 'layer_quant_config', warnings);
  return {
    global: readLayerSpec(global, warnings),
    layers,
    linears: linears && readLayerSpec(linears, warnings),
    exclude: (readField(at, 'exclude', names) ?? []).map((text, index) =>
      excludePattern(text, placeOf(at, `exclude[${index}]`)),
    ),
    excludeField: 'exclude',
    packMethod: exporting.packMethod,
    weightFormat: exporting.weightFormat,
    kvCache: readKvCache(exporting.place, [layers, readLayers(at, 'kv_cache_quant_config', warnings)]),
    postRope: readField(at, 'kv_cache_post_rope', boolean) ?? false,
    softmax: readPlace(at, 'softmax_quant_spec') !== undefined,
    legacyFp8: false,
    warnings: [...new Set(warnings)],
  };
}

function readLayers(at: JsonPlace, key: string, warnings: string[]): QuarkSettings['layers'] {
  const layers = readPlace(at, key);
  return Object.keys(layers?.value ?? {}).flatMap((text) => {
    const place = layers && readPlace(layers, text);
    if (!place) return [];
    return [{ pattern: layerPattern(text, place), spec: readLayerSpec(place, warnings) }];
  });
}
