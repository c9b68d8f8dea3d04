import { bitsOf, integerRange, isFloat, LayoutError, TensorError } from '@lowbit/core';
import { bitPositions, type Extents } from './bit-positions.ts';
import { readBits } from './bits.ts';
import { decodeElement } from './decode-element.ts';
import { elementDecoder, readWide } from './elements.ts';
import { addPerField, toLinearBytes } from './linear-words.ts';
import { checkBytes, type StoredForm } from './stored-form.ts';

/**
 * A stored tensor as a logical table, row-major over `extents`. Exact, but for f64 and for integers beyond 2^24, which are
 * rounded to f32.
 * @param bytes the whole stored tensor
 * @throws LayoutError when form and extents do not fit; TensorError when the bytes are not the whole tensor's
 */
export function decodeStored(stored: StoredForm, bytes: Uint8Array, extents: Extents): Float32Array {
  const { type } = stored;
  if (bitsOf(type) === 64) return Float32Array.from(readWideElements(stored, bytes, extents));
  const codes = decodeBits(stored, bytes, extents);
  if (type === 'f32') return new Float32Array(codes.buffer);
  const decode = elementDecoder(type, codes.length);
  const values = new Float32Array(codes.length);
  for (let index = 0; index < codes.length; index += 1) values[index] = decode(codes[index]!);
  return values;
}

/**
 * Integer codes as a logical table, row-major over `extents`; exact.
 * @throws LayoutError for float types; TensorError for a code beyond 32 bits; and as `decodeStored`
 */
export function decodeCodes(stored: StoredForm, bytes: Uint8Array, extents: Extents): Int32Array {
  const { type, ref } = stored;
  if (isFloat(type)) throw new LayoutError(`${ref.name}: ${type} elements are no integer codes`);
  const [min, max] = integerRange('i32');
  const values: Iterable<number> =
    bitsOf(type) === 64 ? readWideElements(stored, bytes, extents) : decodeBits(stored, bytes, extents);
  return Int32Array.from(values, (value) => {
    const integer = bitsOf(type) === 64 ? value : decodeElement(value, type);
    if (integer >= min && integer <= max) return integer;
    throw new TensorError({
      code: 'TENSOR_DATA',
      tensor: ref.name,
      expected: `integers within ${min}..${max}`,
      actual: String(integer),
    });
  });
}

/**
 * The bits of each code as an unsigned integer, whatever its type, row-major over `extents`.
 * @throws LayoutError for 64-bit types; and as `decodeStored`
 */
export function decodeBits(stored: StoredForm, bytes: Uint8Array, extents: Extents): Uint32Array {
  const bits = bitsOf(stored.type);
  if (bits > 32) throw new LayoutError(`${stored.ref.name}: codes of ${bits} bits; at most 32 are moved as bits`);
  checkBytes(stored, bytes);
  const { rows, columns } = bitPositions(stored, extents);
  const linear = toLinearBytes(stored, bytes);
  const modulus = 2 ** bits;
  const add = ((addPerField(stored.layout) % modulus) + modulus) % modulus;

  const codes = new Uint32Array(rows.length * columns.length);
  let next = 0;
  for (let row = 0; row < rows.length; row += 1) {
    const base = rows[row]!;
    for (let column = 0; column < columns.length; column += 1) {
      const code = readBits(linear, base + columns[column]!, bits) + add;
      codes[next] = code < modulus ? code : code - modulus;
      next += 1;
    }
  }
  return codes;
}

function readWideElements(stored: StoredForm, bytes: Uint8Array, extents: Extents): Float64Array {
  checkBytes(stored, bytes);
  const { rows, columns } = bitPositions(stored, extents);
  const linear = toLinearBytes(stored, bytes);
  const values = new Float64Array(rows.length * columns.length);
  rows.forEach((base, row) => {
    columns.forEach((offset, column) => {
      values[row * columns.length + column] = readWide(linear, (base + offset) / 8, stored.type);
    });
  });
  return values;
}
