import { bitsOf, LayoutError, type Stored, type TensorRef } from '@lowbit/core';
import { bitPositions, type Extents } from './bit-positions.ts';
import { readBits, writeBits } from './bits.ts';
import { decodeBits } from './decode-stored.ts';
import { addPerField, fromLinearBytes } from './linear-words.ts';
import { byteLength, type StoredForm } from './stored-form.ts';

/**
 * Bytes of the whole stored tensor: the inverse of `decodeBits` and `decodeCodes`. Bits that no code occupies are zero.
 * @param codes row-major over `extents`, each signed or as unsigned bits
 * @throws LayoutError when form and extents do not fit, a code has too many bits, or two elements share a place and differ
 */
export function encodeStored(codes: ArrayLike<number>, form: StoredForm, extents: Extents): Uint8Array {
  const { name } = form.ref;
  const bits = bitsOf(form.type);
  if (bits > 32) throw new LayoutError(`${name}: codes of ${bits} bits; at most 32 are moved as bits`);
  const { rows, columns } = bitPositions(form, extents);
  if (codes.length !== rows.length * columns.length) {
    throw new LayoutError(
      `${name}: ${codes.length} codes for a table of ${extents.map(([, size]) => size).join(' x ')}`,
    );
  }

  const modulus = 2 ** bits;
  const add = addPerField(form.layout);
  const stored = (index: number) => {
    const code = codes[index]!;
    if (!Number.isInteger(code) || code < -modulus / 2 || code >= modulus) {
      throw new LayoutError(`${name}: ${code} is no ${bits}-bit code`);
    }
    return (((code - add) % modulus) + modulus) % modulus;
  };
  const each = (visit: (position: number, bits: number) => void) => {
    rows.forEach((base, row) => {
      columns.forEach((offset, column) => {
        visit(base + offset, stored(row * columns.length + column));
      });
    });
  };

  const linear = new Uint8Array(byteLength(form));
  each((position, value) => {
    writeBits(linear, position, value);
  });
  each((position, value) => {
    if (readBits(linear, position, bits) === value) return;
    throw new LayoutError(`${name}: the layout puts elements with different codes in one place`);
  });
  return fromLinearBytes(form, linear);
}

/** Where `repack` puts codes. */
export type RepackTarget = Pick<TensorRef, 'dtype' | 'shape'> & Pick<Stored, 'layout'>;

/**
 * Moves codes to another layout; their meaning stays, as both are read with the type of `from`. Generic and unhurried: the
 * oracle for fast repackers.
 * @param bytes the whole stored tensor of `from`
 * @throws LayoutError, TensorError as `decodeBits` and `encodeStored`
 */
export function repack(bytes: Uint8Array, from: StoredForm, to: RepackTarget, extents: Extents): Uint8Array {
  const { dtype, shape, layout } = to;
  const form: StoredForm = { ref: { name: from.ref.name, dtype, shape }, type: from.type, layout };
  return encodeStored(decodeBits(from, bytes, extents), form, extents);
}
