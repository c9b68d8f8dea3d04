import {
  type Layout,
  plain,
  quotient,
  remainder,
  type Stored,
  type TensorClaims,
  TensorError,
  whole,
} from '@lowbit/core';
import type { WeightSize } from './claim-tables.ts';

/** How int4 codes share bytes: not at all, or two neighbours along an axis, the first in the low half. */
export type Int4Packing = 'none' | 'out' | 'in';

const layouts: Readonly<Record<Int4Packing, Layout>> = {
  none: { axes: plain('out', 'in').axes, packed: { bits: 4, word: 8, fields: [] } },
  out: {
    axes: [[quotient('out', 2)], [whole('in')]],
    packed: { bits: 4, word: 8, fields: [remainder('out', 2)] },
  },
  in: {
    axes: [[whole('out')], [quotient('in', 2)]],
    packed: { bits: 4, word: 8, fields: [remainder('in', 2)] },
  },
};

const meanings: Readonly<Record<Int4Packing, string>> = {
  none: 'a code per byte',
  out: 'pairs of output features',
  in: 'pairs of input features',
};

/**
 * `<module>.weight`, I8: int4 codes in the packing that the tensor's shape shows. Writers differ in it, and neither
 * version nor tool can be told for sure from the description.
 * @throws TensorError naming the shapes that fit
 */
export function claimInt4(
  tensors: TensorClaims,
  { name: module, outFeatures, inFeatures }: WeightSize,
  packings: readonly Int4Packing[],
): Stored {
  const name = `${module}.weight`;
  const forms = packings.map((packing) => ({
    packing,
    shape: [packing === 'out' ? outFeatures / 2 : outFeatures, packing === 'in' ? inFeatures / 2 : inFeatures],
  }));
  const found = tensors.peek(name)?.shape;
  const form = forms.find(({ shape }) => !found || found.join() === shape.join());
  if (!form) {
    const whole = forms.filter(({ shape }) => shape.every(Number.isInteger));
    throw new TensorError({
      code: 'TENSOR_SHAPE',
      tensor: name,
      expected: whole.map(({ packing, shape }) => `[${shape.join(', ')}] (${meanings[packing]})`).join(' or '),
      actual: `[${found?.join(', ')}]`,
    });
  }
  const ref = tensors.claim(name, { dtype: ['I8'], shape: form.shape });
  return { ref, type: 'i4', layout: layouts[form.packing] };
}
