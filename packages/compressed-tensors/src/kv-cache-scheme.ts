import {
  type KvCacheScheme,
  type KvCacheSpec,
  type SchemeAnswer,
  TensorError,
  type TensorRef,
  type UnusedRule,
} from '@lowbit/core';
import { checkAttentionScheme, targetsAttention } from './attention-scheme.ts';
import type { CompressedTensorsSettings } from './compressed-tensors-settings.ts';
import { floatDTypes } from './module-tensors.ts';
import type { QuantizationScheme } from './quantization-scheme.ts';

/** An attention module's scales: today's names, then those of older library versions and of other tools. */
const scaleName =
  /^(.*)\.(?:[qkv]_(?:scale|zero_point|global_scale)|kv_scale|[kv]_proj\.output_(?:scale|zero_point)|k_proj\.k_scale|v_proj\.v_scale)$/;

const notApplied = 'the KV cache is kept as it is computed, quantizing it is not supported yet';

/**
 * Keys and values are kept unquantized, whatever the checkpoint says; a warning tells.
 * @throws TensorError for values that have a scale where the keys have none; ConfigError
 */
export function chooseKvCache(
  { name }: KvCacheSpec,
  settings: CompressedTensorsSettings,
  tensors: ReadonlyMap<string, TensorRef>,
): SchemeAnswer<KvCacheScheme> {
  const group = attentionGroup(name, settings);
  if (group) checkAttentionScheme(group);
  const { path, file } = settings.section;
  const place = settings.kvCacheScheme?.section.path ?? group?.section.path;
  if (place === undefined) return { kind: 'unquantized', rule: `${path}.kv_cache_scheme is absent` };
  if (tensors.has(`${name}.v_scale`) && !tensors.has(`${name}.k_scale`)) {
    throw new TensorError({
      code: 'TENSOR_MISSING',
      tensor: `${name}.k_scale`,
      expected: `a scale of the keys beside ${name}.v_scale`,
      actual: 'no such tensor',
    });
  }
  return {
    kind: 'unquantized',
    rule: `${place} is not applied`,
    warnings: [`${file}: ${place}: ${notApplied}; the checkpoint's scales are left aside`],
  };
}

/** The scales of a quantized KV cache, where the checkpoint says that it has one. */
export function kvCacheScales(settings: CompressedTensorsSettings): readonly UnusedRule[] {
  return [
    {
      reason: `a scale of the KV cache: ${notApplied}`,
      matches(name, claims) {
        const [, module] = scaleName.exec(name) ?? [];
        if (module === undefined || !isScale(claims.peek(name))) return false;
        return settings.kvCacheScheme !== undefined || attentionGroup(module, settings) !== undefined;
      },
    },
  ];
}

/** One number, or one per head. */
function isScale(ref: TensorRef | undefined): boolean {
  if (!ref) return false;
  const dtypes: readonly string[] = ref.name.endsWith('zero_point') ? ['I8', 'F8_E4M3', ...floatDTypes] : floatDTypes;
  return dtypes.includes(ref.dtype) && ref.shape.length <= 3 && ref.shape.slice(1).every((size) => size === 1);
}

function attentionGroup(name: string, { schemes }: CompressedTensorsSettings): QuantizationScheme | undefined {
  return schemes.find(({ targets }) => targets.some((target) => targetsAttention(target, name)));
}
