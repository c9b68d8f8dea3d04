import { bitsOf, elementTypeOf, isStream, LayoutError, type Stored, TensorError, type TensorRef } from '@lowbit/core';

/** A stored tensor without its place in a file: how it is written, read or yet to be written. */
export type StoredForm = Omit<Stored, 'ref'> & { readonly ref: Pick<TensorRef, 'name' | 'dtype' | 'shape'> };

/** Widths of a form, checked against one another. */
export interface Widths {
  /** Bits of one code. */
  readonly code: number;
  /** Bits of one element of the stored tensor, which is a word where codes are packed. */
  readonly word: number;
}

/** @throws LayoutError when code type, packing, dtype and shape do not fit together */
export function checkForm({ ref, type, layout }: StoredForm): Widths {
  const word = bitsOf(elementTypeOf(ref.dtype));
  const code = bitsOf(type);
  const { packed } = layout;
  const fail = (message: string, remedy?: string): never => {
    throw new LayoutError(`${ref.name}: ${message}`, remedy);
  };

  if (layout.axes.length !== ref.shape.length) {
    fail(`a layout of ${layout.axes.length} dimensions for a tensor of shape [${ref.shape.join(', ')}]`);
  }
  if (!packed) {
    if (code !== word) fail(`${type} codes cannot fill ${ref.dtype} elements`, 'Narrower codes need a packing.');
  } else {
    if (packed.word !== word) fail(`packed in ${packed.word}-bit words, but stored as ${ref.dtype}`);
    if (packed.bits !== code) fail(`packed as ${packed.bits}-bit codes, but ${type} has ${code} bits`);
    if (packed.bits > packed.word) fail(`${packed.bits}-bit codes do not fit ${packed.word}-bit words`);
    if (isStream(packed) && !(packed.stream in layout.axes)) {
      fail(`a bit stream along dimension ${packed.stream} of ${layout.axes.length}`);
    }
  }
  if (layout.add) {
    if (!Number.isInteger(layout.add.value)) fail(`add ${layout.add.value} is not an integer`);
    if (code > 32) fail(`add works on codes of at most 32 bits, ${type} has ${code}`);
    if (layout.add.carry === 'word' && packed && isStream(packed) && packed.word % packed.bits !== 0) {
      fail(`carries inside a word are undefined for ${packed.bits}-bit codes that run across ${packed.word}-bit words`);
    }
  }
  return { code, word };
}

/** Bytes of the whole stored tensor. */
export function byteLength({ ref }: StoredForm): number {
  return Math.ceil((ref.shape.reduce((count, size) => count * size, 1) * bitsOf(elementTypeOf(ref.dtype))) / 8);
}

/** @throws TensorError TENSOR_DATA when the bytes are not those of the whole tensor */
export function checkBytes(form: StoredForm, bytes: Uint8Array): void {
  const expected = byteLength(form);
  if (bytes.length === expected) return;
  throw new TensorError({
    code: 'TENSOR_DATA',
    tensor: form.ref.name,
    expected: `${expected} bytes of ${form.ref.dtype} [${form.ref.shape.join(', ')}]`,
    actual: `${bytes.length} bytes`,
  });
}
