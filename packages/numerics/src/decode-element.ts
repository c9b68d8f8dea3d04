import { bitsOf, type ElementType, isFloat } from '@lowbit/core';
import { type FloatFormat, floatFormats } from './float-format.ts';

/**
 * The number that `code`, the element's bits as an unsigned integer, stands for. Exact.
 * @throws RangeError for 64-bit types, whose bits a number does not hold: see `decodeElements`
 */
export function decodeElement(code: number, type: ElementType): number {
  const bits = bitsOf(type);
  if (bits > 32) throw new RangeError(`decodeElement: ${type} is wider than 32 bits`);
  if (!isFloat(type)) return type.startsWith('i') && code >= 2 ** (bits - 1) ? code - 2 ** bits : code;
  if (type === 'e8m0') return code === 255 ? Number.NaN : 2 ** (code - 127);
  return decodeFloat(code, floatFormats[type as keyof typeof floatFormats]);
}

function decodeFloat(code: number, { exponentBits, mantissaBits, bias, specials }: FloatFormat): number {
  const signBit = 2 ** (exponentBits + mantissaBits);
  if (specials === 'fnuz' && code === signBit) return Number.NaN;
  const sign = code >= signBit ? -1 : 1;
  const magnitude = code % signBit;
  if (specials === 'all-ones' && magnitude === signBit - 1) return Number.NaN;

  const exponent = Math.floor(magnitude / 2 ** mantissaBits);
  const mantissa = magnitude % 2 ** mantissaBits;
  if (specials === 'ieee' && exponent === 2 ** exponentBits - 1) return mantissa === 0 ? sign * Infinity : Number.NaN;
  const significand = exponent === 0 ? mantissa : mantissa + 2 ** mantissaBits;
  return sign * significand * 2 ** (Math.max(exponent, 1) - bias - mantissaBits);
}

/** The numbers of all codes of a type of at most 16 bits, by code. */
export function decodeTable(type: ElementType): Float32Array {
  return Float32Array.from({ length: 2 ** bitsOf(type) }, (_, code) => decodeElement(code, type));
}
