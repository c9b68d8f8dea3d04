import { bitsOf, type DType, elementTypeOf, type Stored, type TensorBytes, type TensorRef } from '@lowbit/core';
import { type Extents, encodeElement, encodeStored } from '@lowbit/numerics';

/** How numbers are to be stored. */
export interface TableForm {
  readonly type: Stored['type'];
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly layout: Stored['layout'];
  readonly origin?: Stored['origin'];
}

/** A tensor made for a test, with its bytes. */
export interface SyntheticTensor {
  readonly ref: TensorRef;
  readonly bytes: Uint8Array;
}

/**
 * Stores a logical table, row-major over `extents`, in the given form; each number is rounded to the form's type.
 * @throws LayoutError when form and extents do not fit
 */
export function syntheticTensor(
  name: string,
  { type, dtype, shape, layout, origin }: TableForm,
  extents: Extents,
  values: ArrayLike<number>,
): SyntheticTensor & { readonly stored: Stored } {
  const size = shape.reduce((product, one) => product * one, bitsOf(elementTypeOf(dtype)) / 8);
  const ref: TensorRef = { name, dtype, shape, file: 'synthetic.safetensors', start: 0, end: size };
  const stored: Stored = { ref, type, layout, ...(origin ? { origin } : {}) };
  const codes = Array.from(values, (value) => encodeElement(value, type));
  return { ref, stored, bytes: encodeStored(codes, stored, extents) };
}

/** Gives the bytes of synthetic tensors, by name. */
export function tensorReader(tensors: Iterable<SyntheticTensor>): (ref: TensorRef) => Uint8Array {
  const byName = new Map<string, Uint8Array>();
  for (const { ref, bytes } of tensors) byName.set(ref.name, bytes);
  return ({ name }) => {
    const bytes = byName.get(name);
    if (!bytes) throw new Error(`no synthetic tensor ${name}`);
    return bytes;
  };
}

/** The same as a backend asks for them. */
export function memoryBytes(tensors: Iterable<SyntheticTensor>): TensorBytes {
  const read = tensorReader(tensors);
  return { read: async (ref) => read(ref) };
}
