import { bitsOf, isFloat } from '@lowbit/core';
import { elements, isElement } from '../element-formats.ts';
import type { LayerSpec } from '../layer-spec.ts';
import type { TensorSpec } from '../tensor-spec.ts';

/** `w8a8-fp8`, `w4a16`, `w4a8-mxfp4`: bits of weights and activations, and the family of the weights where they are floats. */
export function schemeName({ weight, input }: LayerSpec): string {
  const bits = `w${bitsOfStages(weight)}a${bitsOfStages(input)}`;
  if (bits === 'w16a16') return bits;
  const family = familyOf(weight.length > 0 ? weight : input);
  return family === 'int' && bits.endsWith('a16')
    ? bits
    : `${bits}-${family === 'int' ? `int${bitsOfStages(weight)}` : family}`;
}

function bitsOfStages(stages: readonly TensorSpec[]): number {
  const last = stages.findLast(({ scaleQuant }) => !scaleQuant);
  return last && isElement(last.dtype) ? bitsOf(elements[last.dtype]) : 16;
}

function familyOf(stages: readonly TensorSpec[]): string {
  const [first, second] = stages;
  if (!first || !isElement(first.dtype)) return 'float';
  if (second && !second.scaleQuant) return 'progressive';
  if (!isFloat(elements[first.dtype])) return 'int';
  const [element = ''] = first.dtype.split('_');
  if (first.scaleFormat === 'e8m0') return `mx${element}`;
  return second && element === 'fp4' ? 'nvfp4' : element;
}
