import type { LinearSpec, TensorClaims } from '@lowbit/core';
import { isInteger, type QuarkElement } from '../element-formats.ts';
import type { Dimension, TensorForm } from '../quark-layout.ts';
import type { TensorSpec } from '../tensor-spec.ts';

/** A specification whose elements can be described. */
export type ElementSpec = TensorSpec & { readonly dtype: QuarkElement };

/** Dimensions of a table with one number per tensor, channel, group or block; tables of integers per group are transposed. */
export function tableDimensions(
  { dtype, granularity, groupSize = -1, blockSize = [1, 1] }: ElementSpec,
  { outFeatures, inFeatures }: LinearSpec,
): readonly Dimension[] {
  const rows = (size: number): Dimension => ({ axis: 'out', size });
  const columns = (size: number): Dimension => ({ axis: 'in', size });
  switch (granularity) {
    case 'per_channel':
      return [rows(outFeatures)];
    case 'per_group': {
      const groups = columns(groupSize === -1 ? 1 : Math.ceil(inFeatures / groupSize));
      return isInteger(dtype) ? [groups, rows(outFeatures)] : [rows(outFeatures), groups];
    }
    case 'per_block':
      return [rows(outFeatures / blockSize[0]), columns(inFeatures / blockSize[1])];
    default:
      return [];
  }
}

/** What one number of such a table covers. */
export function blockOf(
  { granularity, groupSize = -1, blockSize = [1, 1] }: TensorSpec,
  { outFeatures, inFeatures }: LinearSpec,
): readonly [rows: number, cols: number] {
  switch (granularity) {
    case 'per_channel':
      return [1, inFeatures];
    case 'per_group':
      return [1, groupSize === -1 ? inFeatures : groupSize];
    case 'per_block':
      return blockSize;
    default:
      return [outFeatures, inFeatures];
  }
}

/** Before version 1 of its export, Quark did not transpose the scales of 4-bit groups; the shape tells. */
export function olderOrientation(
  form: TensorForm,
  name: string,
  { dtype, granularity }: ElementSpec,
  tensors: TensorClaims,
): TensorForm {
  const fourBits = dtype === 'int4' || dtype === 'uint4';
  const shape = [...form.shape].reverse();
  if (granularity !== 'per_group' || !fourBits || !sameShape(tensors.peek(name)?.shape, shape)) return form;
  if (sameShape(form.shape, shape)) return form;
  return { ...form, shape, layout: { ...form.layout, axes: [...form.layout.axes].reverse() } };
}

function sameShape(a: readonly number[] | undefined, b: readonly number[]): boolean {
  return a !== undefined && a.length === b.length && a.every((size, index) => size === b[index]);
}
