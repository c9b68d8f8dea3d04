import {
  type Blocked,
  deepFreeze,
  type KvCacheScheme,
  type KvCacheSpec,
  type KvQuantization,
  plain,
  type TensorClaims,
} from '@lowbit/core';
import type { KvScaleNames } from '../kv-scale-names.ts';
import { claimTable, floatDTypes, scalarForms, type TableForm } from '../module-tensors.ts';
import type { QuantizationArgs } from '../quantization-args.ts';

/**
 * Keys (after RoPE) and values as fp8 or int8, with stored scales, one for all or one per head.
 * @param scales absent: fp8 with a scale of 1
 */
export function compressedKvCache(args: QuantizationArgs, scales: KvScaleNames | undefined): KvCacheScheme {
  const scheme = args.type === 'int' ? 'kv-int8' : 'kv-fp8';
  return {
    name: scheme,
    describe(module, tensors) {
      const { name, numKvHeads, headSize } = module;
      const quantization = scales && claimQuantization(args, module, scales, tensors);
      return deepFreeze({
        kind: 'kvCache',
        module: name,
        scheme,
        type: args.type === 'int' ? 'i8' : 'f8e4m3',
        numKvHeads,
        headSize,
        ...(quantization ? { quantization } : {}),
      });
    },
  };
}

function claimQuantization(
  args: QuantizationArgs,
  module: KvCacheSpec,
  { key, value }: KvScaleNames,
  tensors: TensorClaims,
): { readonly key: KvQuantization; readonly value: KvQuantization } {
  const ofKeys = claimPart(args, module, key, tensors);
  // Files with one scale mean it for both.
  return { key: ofKeys, value: value === key ? ofKeys : claimPart(args, module, value, tensors) };
}

/** A scale, and for integers the zero point beside it: where the file has one, or needs one. */
function claimPart(
  { type, symmetric, strategy }: QuantizationArgs,
  { numKvHeads, headSize }: KvCacheSpec,
  scaleName: string,
  tensors: TensorClaims,
): KvQuantization {
  const perHead = strategy === 'attn_head';
  const forms = perHead ? headForms(numKvHeads) : scalarForms;
  const block: Blocked['block'] = [perHead ? headSize : numKvHeads * headSize, 1];
  const scale: Blocked = { ...claimTable(tensors, scaleName, floatDTypes, forms), block };
  const zeroName = scaleName.replace(/scale$/, 'zero_point');
  if (type === 'float' || (symmetric && !tensors.has(zeroName))) return { scale };
  return { scale, zero: { ...claimTable(tensors, zeroName, ['I8'], forms), block } };
}

/** One number per head: `[heads, 1, 1]`, or without the ones. */
function headForms(heads: number): readonly [TableForm, ...TableForm[]] {
  return [
    { shape: [heads, 1, 1], layout: plain('out', undefined, undefined) },
    { shape: [heads], layout: plain('out') },
  ];
}
