/*
 * Bit 0 is the lowest bit of the first byte, so the fields of little-endian words of any width follow one another. Up to
 * 24 bits, wherever they begin, lie within 31 bits from a byte border and are handled as one integer.
 */

/** `bits` bits, at most 32, from bit `position` on, as an unsigned integer. */
export function readBits(bytes: Uint8Array, position: number, bits: number): number {
  if (bits > 24) return readBits(bytes, position, 16) + readBits(bytes, position + 16, bits - 16) * 2 ** 16;
  const shift = position & 7;
  let next = (position - shift) / 8;
  let value = bytes[next]! >>> shift;
  for (let got = 8 - shift; got < bits; got += 8) {
    next += 1;
    value |= bytes[next]! << got;
  }
  return value & ((1 << bits) - 1);
}

/** Sets bits that are still zero; the inverse of `readBits`. */
export function writeBits(bytes: Uint8Array, position: number, value: number): void {
  if (value >= 2 ** 24) {
    writeBits(bytes, position, value % 2 ** 16);
    writeBits(bytes, position + 16, Math.floor(value / 2 ** 16));
    return;
  }
  const shift = position & 7;
  let next = (position - shift) / 8;
  for (let rest = value << shift; rest > 0; rest >>>= 8) {
    bytes[next]! |= rest;
    next += 1;
  }
}
