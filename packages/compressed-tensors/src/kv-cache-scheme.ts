import type { KvCacheScheme, KvCacheSpec, SchemeAnswer, TensorRef, UnusedRule } from '@lowbit/core';
import { checkAttentionScheme, targetsAttention } from './attention-scheme.ts';
import type { CompressedTensorsSettings } from './compressed-tensors-settings.ts';
import { attentionOfCacheTensor, attentionOfQueryTensor, findKvScales } from './kv-scale-names.ts';
import { floatDTypes } from './module-tensors.ts';
import type { QuantizationArgs } from './quantization-args.ts';
import type { QuantizationScheme } from './quantization-scheme.ts';
import { compressedKvCache } from './schemes/kv-cache.ts';

/**
 * How an attention module's keys and values are kept: `kv_cache_scheme` says it for all, a group for the attention modules
 * that it targets. What is not supported is left unquantized, and a warning tells.
 * @throws TensorError for values that have a scale where the keys have none, int8 without scales; ConfigError
 */
export function chooseKvCache(
  { name }: KvCacheSpec,
  settings: CompressedTensorsSettings,
  tensors: ReadonlyMap<string, TensorRef>,
): SchemeAnswer<KvCacheScheme> {
  const group = attentionGroup(name, settings);
  if (group) checkAttentionScheme(group);
  const args = settings.kvCacheScheme ?? group?.inputActivations;
  if (!args) return { kind: 'unquantized', rule: `${settings.section.path}.kv_cache_scheme is absent` };
  const place = `${args.section.file}: ${args.section.path}`;
  const warnings = group ? [`${group.section.file}: ${group.section.path}: queries are not quantized`] : [];
  const reason = whyNotQuantized(args);
  const scales = findKvScales(name, tensors);
  if (reason !== undefined) {
    warnings.push(`${place}: the KV cache is not quantized: ${reason}`);
    return { kind: 'unquantized', rule: `${args.section.path}: ${reason}`, warnings };
  }
  if (scales?.missing !== undefined) {
    warnings.push(`${place}: there is no ${scales.missing}: ${scales.key} is used for keys and values`);
  }
  if (!scales && args.type === 'float') {
    warnings.push(`${place}: attention modules without k_scale and v_scale keep keys and values with a scale of 1`);
  }
  // Integers have no natural scale: describing the cache then says which tensors are missing.
  const wanted = args.type === 'int' ? { key: `${name}.k_scale`, value: `${name}.v_scale` } : undefined;
  return { kind: 'scheme', scheme: compressedKvCache(args, scales ?? wanted), warnings };
}

/** What of the KV cache's tensors no run needs. */
export function unusedKvTensors(settings: CompressedTensorsSettings): readonly UnusedRule[] {
  const argsOf = (attention: string | undefined) =>
    attention === undefined
      ? undefined
      : (settings.kvCacheScheme ?? attentionGroup(attention, settings)?.inputActivations);
  return [
    {
      reason: 'a scale of queries, which are not quantized',
      matches: (name, claims) => argsOf(attentionOfQueryTensor(name)) !== undefined && isScale(claims.peek(name)),
    },
    {
      reason: 'a scale of the KV cache, which is not quantized',
      matches(name, claims) {
        const args = argsOf(attentionOfCacheTensor(name));
        return args !== undefined && whyNotQuantized(args) !== undefined && isScale(claims.peek(name));
      },
    },
    {
      reason: 'zero points of a KV cache in floats',
      onlyZeros: true,
      matches: (name) => /zero_point$/.test(name) && argsOf(attentionOfCacheTensor(name))?.type === 'float',
    },
  ];
}

function whyNotQuantized({ type, numBits, symmetric, strategy, dynamic }: QuantizationArgs): string | undefined {
  if (dynamic !== false) return 'scales from the data are not supported';
  if (strategy !== 'tensor' && strategy !== 'attn_head') return `scales per ${strategy} are not supported`;
  if (numBits !== 8) return `only 8 bits are supported, not ${numBits}`;
  return type === 'float' && !symmetric ? 'asymmetric floats are not supported' : undefined;
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
