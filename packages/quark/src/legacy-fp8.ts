import type { TensorRef } from '@lowbit/core';
import { readExport } from './export-settings.ts';
import { type JsonPlace, names, oneOf, placeOf, readField, unknownFields } from './json-place.ts';
import type { LayerSpec } from './layer-spec.ts';
import { excludePattern, layerPattern } from './name-patterns.ts';
import type { QuarkSettings } from './quark-settings.ts';
import type { TensorSpec } from './tensor-spec.ts';

const known: ReadonlySet<string> = new Set([
  'quant_method',
  'export',
  'activation_scheme',
  'ignored_layers',
  'kv_cache_scheme',
]);

const scheme = oneOf({ static: false, dynamic: true });

/**
 * Quark's export with custom mode `fp8`: weights e4m3 with one scale per tensor, in the spelling of AutoFP8 and with
 * `export` beside it.
 *
 * ```
 * { "quant_method": "fp8", "activation_scheme": "static", "ignored_layers": ["lm_head"], "kv_cache_scheme": "static", "export": {} }
 * ```
 *
 * Tensors are those of Quark, and `<attention>.k_scale`, `.v_scale` where the KV cache is quantized.
 * @throws ConfigError for values that this export does not have
 */
export function legacyFp8Settings(at: JsonPlace, tensors: ReadonlyMap<string, TensorRef>): QuarkSettings {
  const warnings = [...unknownFields(at, known)];
  const { packMethod, weightFormat } = readExport(at, warnings);
  const activations = readField(at, 'activation_scheme', scheme);
  const kvCache = readField(at, 'kv_cache_scheme', scheme);
  const spec = (key: string, dynamic: boolean): TensorSpec => ({ ...perTensor, ...placeOf(at, key), dynamic });
  const global: LayerSpec = {
    place: at.field,
    weight: [spec('quant_method', false)],
    input: activations === undefined ? [] : [spec('activation_scheme', activations)],
    output: [],
    bias: [],
  };
  const hasScales = [...tensors.keys()].some((name) => name.endsWith('.k_scale'));
  return {
    global,
    layers: [],
    linears: undefined,
    exclude: (readField(at, 'ignored_layers', names) ?? []).map((text, index) =>
      excludePattern(text, placeOf(at, `ignored_layers[${index}]`)),
    ),
    excludeField: 'ignored_layers',
    packMethod,
    weightFormat,
    kvCache:
      kvCache === undefined && !hasScales
        ? undefined
        : {
            group: ['*k_proj', '*v_proj'].map((text) => layerPattern(text, placeOf(at, 'kv_cache_scheme'))),
            output: [spec('kv_cache_scheme', kvCache ?? false)],
            scales: 'attention',
          },
    postRope: false,
    softmax: false,
    legacyFp8: true,
    warnings,
  };
}

const perTensor: Omit<TensorSpec, 'file' | 'field' | 'dynamic'> = {
  dtype: 'fp8_e4m3',
  granularity: 'per_tensor',
  axis: undefined,
  groupSize: undefined,
  blockSize: undefined,
  symmetric: undefined,
  scaleType: undefined,
  scaleFormat: undefined,
  scaleCalculationMode: undefined,
  scaleQuant: false,
  floatZeroPoint: false,
};
