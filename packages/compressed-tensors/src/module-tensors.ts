import { type DType, elementTypeOf, type Layout, type Stored, type TensorClaims, type TensorRef } from '@lowbit/core';

/** A weight by name, `[outFeatures, inFeatures]`: a linear's, or an embedding's, whose rows count as outputs. */
export interface WeightShape {
  readonly name: string;
  readonly outFeatures: number;
  readonly inFeatures: number;
}

/** One of the shapes in which writers store the same table, and where its elements lie then. */
export interface TableForm {
  readonly shape: readonly number[];
  readonly layout: Layout;
}

export const floatDTypes: readonly DType[] = ['BF16', 'F16', 'F32'];

/**
 * Takes a tensor in the first form whose shape it has; a tensor of none is held against the first.
 * @throws TensorError
 */
export function claimTable(
  tensors: TensorClaims,
  name: string,
  dtype: readonly DType[],
  forms: readonly [TableForm, ...TableForm[]],
): Stored {
  const form = formOf(tensors.peek(name), forms);
  const ref = tensors.claim(name, { dtype, shape: form.shape });
  return { ref, type: elementTypeOf(ref.dtype), layout: form.layout };
}

function formOf(ref: TensorRef | undefined, forms: readonly [TableForm, ...TableForm[]]): TableForm {
  const shape = JSON.stringify(ref?.shape);
  return forms.find((form) => JSON.stringify(form.shape) === shape) ?? forms[0];
}

/** One number for everything: `[1]`, or `[]` of some writers. */
export const scalarForms: readonly [TableForm, ...TableForm[]] = [
  { shape: [1], layout: { axes: [[]] } },
  { shape: [], layout: { axes: [] } },
];
