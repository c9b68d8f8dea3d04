import { deepFreeze, type KvCacheScheme, type KvCacheSpec, type KvQuantization, type TensorClaims } from '@lowbit/core';
import { elements, isElement, isInteger } from '../element-formats.ts';
import type { KvCacheSettings } from '../kv-cache.ts';
import { codesForm, floatDTypes, tableForm } from '../quark-layout.ts';
import { claimForm } from './claim-form.ts';

/**
 * Keys (after RoPE) and values in 8 bits: `<attention>.k_proj.output_scale` and `.v_proj.output_scale`, or
 * `<attention>.k_scale` and `.v_scale`, one number each; for integers zero points beside them.
 * @param zeroPoints the file holds zero points of outputs
 */
export function quarkKvCache({ output: [spec], scales }: KvCacheSettings, zeroPoints: boolean): KvCacheScheme {
  const dtype = spec && isElement(spec.dtype) ? spec.dtype : 'fp8_e4m3';
  const scheme = isInteger(dtype) ? 'kv-int8' : 'kv-fp8';
  const hasZero = isInteger(dtype) && (!spec?.symmetric || zeroPoints);

  const claim = (
    { name, numKvHeads, headSize }: KvCacheSpec,
    part: 'k' | 'v',
    tensors: TensorClaims,
  ): KvQuantization => {
    const projection = `${name}.${part}_proj`;
    const quantizer = `${projection}.output_quantizer.`;
    const names = (parameter: string) => [`${projection}.output_${parameter}`, `${quantizer}${parameter}`] as const;
    const find = ([usual, other]: readonly [string, string]) => (tensors.has(other) ? other : usual);
    const scaleName = scales === 'attention' ? `${name}.${part}_scale` : find(names('scale'));
    const block = [numKvHeads * headSize, 1] as const;
    const scale = { ...claimForm(tensors, scaleName, tableForm(floatDTypes, [])), block };
    if (!hasZero) return { scale };
    return { scale, zero: { ...claimForm(tensors, find(names('zero_point')), codesForm(dtype, [], 'order')), block } };
  };

  return {
    name: scheme,
    describe(module, tensors) {
      const { name, numKvHeads, headSize } = module;
      const quantization = { key: claim(module, 'k', tensors), value: claim(module, 'v', tensors) };
      const type = elements[dtype];
      return deepFreeze({ kind: 'kvCache', module: name, scheme, type, numKvHeads, headSize, quantization });
    },
  };
}
