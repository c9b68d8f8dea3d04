import { bitsOf, type ElementType } from '@lowbit/core';
import { readBits, writeBits } from './bits.ts';
import { decodeElement, decodeTable } from './decode-element.ts';
import { encodeElement } from './encode-element.ts';

/**
 * All elements that lie one after the other in `bytes`, little-endian; narrower than a byte, from the lowest bit up.
 * Exact, but for f64 and for integers beyond 2^24, which are rounded to f32. Bits left over at the end are ignored.
 */
export function decodeElements(bytes: Uint8Array, type: ElementType): Float32Array {
  const bits = bitsOf(type);
  const count = Math.floor((bytes.length * 8) / bits);
  if (type === 'f32') return new Float32Array(bytes.slice(0, count * 4).buffer);
  const values = new Float32Array(count);
  if (bits === 64) {
    for (let index = 0; index < count; index += 1) values[index] = readWide(bytes, index * 8, type);
    return values;
  }
  const decode = elementDecoder(type, count);
  for (let index = 0; index < count; index += 1) values[index] = decode(readBits(bytes, index * bits, bits));
  return values;
}

/** The inverse of `decodeElements`: each value rounded as `encodeElement` does. The last byte is filled up with zeros. */
export function encodeElements(values: ArrayLike<number>, type: ElementType): Uint8Array {
  const bits = bitsOf(type);
  const bytes = new Uint8Array(Math.ceil((values.length * bits) / 8));
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index]!;
    if (type === 'f64') view.setFloat64(index * 8, value, true);
    else if (bits === 64) view.setBigUint64(index * 8, BigInt.asUintN(64, BigInt(value)), true);
    else writeBits(bytes, index * bits, encodeElement(value, type));
  }
  return bytes;
}

/** From code to number, by table where `count` elements are worth building one. For types of at most 32 bits. */
export function elementDecoder(type: ElementType, count: number): (code: number) => number {
  const bits = bitsOf(type);
  if (bits > 16 || count < 2 ** bits) return (code) => decodeElement(code, type);
  const table = decodeTable(type);
  return (code) => table[code]!;
}

/** A 64-bit element. Integers beyond 2^53 are rounded to f64. */
export function readWide(bytes: Uint8Array, offset: number, type: ElementType): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 8);
  if (type === 'f64') return view.getFloat64(0, true);
  return Number(type === 'i64' ? view.getBigInt64(0, true) : view.getBigUint64(0, true));
}
