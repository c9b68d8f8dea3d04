import { isStream, type Layout } from '@lowbit/core';
import { byteLength, type StoredForm } from './stored-form.ts';

/*
 * Two things keep a code from being consecutive bits at a place that is a sum over the axes: carries that run through a
 * word, and bit streams whose next word is not the next in memory. Both are undone on the bytes, before codes are read:
 *
 *   stored bytes --add with carry--> --stream dimension last--> linear bytes
 *
 * Afterwards every code is `bits` consecutive bits.
 */

/** Stored bytes as linear bytes; the argument itself where nothing is to do. */
export function toLinearBytes(form: StoredForm, bytes: Uint8Array): Uint8Array {
  return streamLast(form, addToWords(form.layout, bytes, 1n), 'last');
}

/** The inverse of `toLinearBytes`. */
export function fromLinearBytes(form: StoredForm, linear: Uint8Array): Uint8Array {
  return addToWords(form.layout, streamLast(form, linear, 'back'), -1n);
}

/** Added to each code after it is read from linear bytes, modulo 2^bits. */
export function addPerField({ packed, add }: Layout): number {
  return add && !(packed && add.carry === 'word') ? add.value : 0;
}

/** `word + sign * (value in every field)`, modulo 2^word: `0x11111111` for value 1 in 4-bit fields. */
function addToWords({ packed, add }: Layout, bytes: Uint8Array, sign: 1n | -1n): Uint8Array {
  if (!packed || add?.carry !== 'word') return bytes;
  const fields = Math.floor(packed.word / packed.bits);
  let ones = 0n;
  for (let field = 0; field < fields; field += 1) ones |= 1n << BigInt(field * packed.bits);
  const addend = littleEndian(BigInt.asUintN(packed.word, sign * BigInt(add.value) * ones), packed.word);
  // Bits above the last field are unused. They stay zero on the way back, whatever was borrowed from them.
  const used = littleEndian(sign < 0n ? (1n << BigInt(fields * packed.bits)) - 1n : -1n, packed.word);

  const sums = new Uint8Array(bytes.length);
  for (let start = 0; start < bytes.length; start += addend.length) {
    let carry = 0;
    for (let byte = 0; byte < addend.length; byte += 1) {
      const sum = bytes[start + byte]! + addend[byte]! + carry;
      sums[start + byte] = sum & used[byte]!;
      carry = sum >> 8;
    }
  }
  return sums;
}

function littleEndian(value: bigint, bits: number): Uint8Array {
  return Uint8Array.from({ length: bits / 8 }, (_, byte) => Number((value >> BigInt(8 * byte)) & 255n));
}

/** Moves the words so that those of one stream are neighbours, or `back`. */
function streamLast(form: StoredForm, bytes: Uint8Array, direction: 'last' | 'back'): Uint8Array {
  const { packed } = form.layout;
  const { shape } = form.ref;
  if (!packed || !isStream(packed) || packed.stream === shape.length - 1) return bytes;
  const size = (sizes: readonly number[]) => sizes.reduce((product, one) => product * one, 1);
  const outer = size(shape.slice(0, packed.stream));
  const words = shape[packed.stream]!;
  const inner = size(shape.slice(packed.stream + 1));

  const width = packed.word / 8;
  const moved = new Uint8Array(byteLength(form));
  for (let o = 0; o < outer; o += 1) {
    for (let w = 0; w < words; w += 1) {
      for (let i = 0; i < inner; i += 1) {
        const stored = ((o * words + w) * inner + i) * width;
        const linear = ((o * inner + i) * words + w) * width;
        const [from, to] = direction === 'last' ? [stored, linear] : [linear, stored];
        for (let byte = 0; byte < width; byte += 1) moved[to + byte] = bytes[from + byte]!;
      }
    }
  }
  return moved;
}

/** Sizes of the dimensions in linear bytes, as `[dimension, size]`, slowest first. */
export function linearDimensions({ ref, layout }: StoredForm): readonly (readonly [dimension: number, size: number])[] {
  const dimensions = ref.shape.map((size, dimension) => [dimension, size] as const);
  const { packed } = layout;
  if (packed && isStream(packed)) dimensions.push(...dimensions.splice(packed.stream, 1));
  return dimensions;
}
