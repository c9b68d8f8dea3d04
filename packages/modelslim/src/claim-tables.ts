import {
  type Blocked,
  type DType,
  elementTypeOf,
  type LinearSpec,
  plain,
  type Stored,
  type TensorClaims,
  TensorError,
} from '@lowbit/core';

export const floatDTypes: readonly DType[] = ['F32', 'F16', 'BF16'];

/** The part of a module's shape that its tables need. */
export type WeightSize = Pick<LinearSpec, 'name' | 'outFeatures' | 'inFeatures'>;

/** A table `[out, groups]` of one number per row, or per row and group of input features. */
export interface TableForm {
  readonly dtype?: readonly DType[];
  /** Features in a group as the description says it; 0: it does not. The shape then tells. */
  readonly groupSize: number;
}

/** @throws TensorError for a table whose groups do not divide the input features, or are not of the stated size */
export function claimTable(
  tensors: TensorClaims,
  { name, outFeatures, inFeatures }: WeightSize,
  suffix: string,
  { dtype = floatDTypes, groupSize }: TableForm,
): Blocked {
  const tensor = `${name}.${suffix}`;
  const columns = tensors.peek(tensor)?.shape[1] ?? 1;
  const size = groupSizeOf(inFeatures, columns, groupSize);
  if (size === undefined) {
    const groups = groupSize > 0 ? `${Math.ceil(inFeatures / groupSize)}` : `a divisor of ${inFeatures}`;
    throw new TensorError({
      code: 'TENSOR_SHAPE',
      tensor,
      expected: `[${outFeatures}, 1] or [${outFeatures}, ${groups}]${groupSize > 0 ? ` (group_size ${groupSize})` : ''}`,
      actual: `[${tensors.peek(tensor)?.shape.join(', ')}]`,
    });
  }
  const ref = tensors.claim(tensor, { dtype, shape: [outFeatures, columns] });
  const layout = plain('out', columns === 1 ? undefined : 'in');
  return { ref, type: elementTypeOf(ref.dtype), layout, block: [1, size] };
}

/** A table of the same shape as another. */
export function claimBeside(
  tensors: TensorClaims,
  { block, layout, ref: { shape } }: Blocked,
  tensor: string,
  dtype: readonly DType[] = floatDTypes,
): Blocked {
  const ref = tensors.claim(tensor, { dtype, shape });
  return { ref, type: elementTypeOf(ref.dtype), layout, block };
}

function groupSizeOf(inFeatures: number, columns: number, groupSize: number): number | undefined {
  if (columns === 1) return inFeatures;
  if (groupSize > 0) return Math.ceil(inFeatures / groupSize) === columns ? groupSize : undefined;
  return columns > 0 && inFeatures % columns === 0 ? inFeatures / columns : undefined;
}

/** One number per output feature. */
export function claimVector(
  tensors: TensorClaims,
  tensor: string,
  size: number,
  dtype: readonly DType[] = floatDTypes,
): Stored {
  const ref = tensors.claim(tensor, { dtype, shape: [size] });
  return { ref, type: elementTypeOf(ref.dtype), layout: plain('out') };
}

/** One number, `[1]`. */
export function claimNumber(tensors: TensorClaims, tensor: string): Stored {
  const ref = tensors.claim(tensor, { dtype: floatDTypes, shape: [1] });
  return { ref, type: elementTypeOf(ref.dtype), layout: plain(undefined) };
}

/** `<module>.bias`, where the architecture has one; smoothing of outliers may have added one where it has none. */
export function claimBias(tensors: TensorClaims, { name, outFeatures, hasBias }: LinearSpec): Stored | undefined {
  const tensor = `${name}.bias`;
  return hasBias || tensors.has(tensor) ? claimVector(tensors, tensor, outFeatures) : undefined;
}
