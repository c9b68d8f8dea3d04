/**
 * `bits` bits from bit `position` on, as an unsigned integer. Bit 0 is the lowest bit of the first byte, so that the
 * fields of little-endian words of any width follow one another.
 */
export function readBits(bytes: Uint8Array, position: number, bits: number): number {
  let next = Math.floor(position / 8);
  const shift = position - next * 8;
  if (shift + bits <= 8) return (bytes[next]! >>> shift) & (2 ** bits - 1);
  let value = bytes[next]! >>> shift;
  let weight = 2 ** (8 - shift);
  const end = 2 ** bits;
  while (weight < end) {
    next += 1;
    value += bytes[next]! * weight;
    weight *= 256;
  }
  return value % end;
}

/** Sets bits that are still zero; the inverse of `readBits`. */
export function writeBits(bytes: Uint8Array, position: number, value: number): void {
  let next = Math.floor(position / 8);
  let rest = value * 2 ** (position - next * 8);
  for (; rest > 0; next += 1) {
    bytes[next]! |= rest % 256;
    rest = Math.floor(rest / 256);
  }
}
