import { bitsOf, type ElementType, isFloat } from '@lowbit/core';
import { decodeExpression, type SmallFloat } from '../numbers/float-arguments.ts';

/** How codes of a type are kept on the device: in fields of fewest bits that shaders take apart easily. */
export interface CodeForm {
  readonly bits: 2 | 4 | 8 | 16 | 32;
  /** WGSL: the field of a stored code in the expression `code`. */
  readonly convert: string;
  /** WGSL: the number of the field in the expression `code`, before `offset` is subtracted. */
  readonly number: string;
  /** Fields of integers are unsigned up to 4 bits and signed with 8; this much above the integer itself. */
  readonly offset: number;
  /** Fields are integers, of at most 8 bits. */
  readonly integers: boolean;
}

/** Of codes of at most 32 bits. */
export function codeForm(type: ElementType): CodeForm {
  const bits = bitsOf(type);
  if (type === 'f32') return { bits: 32, convert: 'code', number: 'bitcast<f32>(code)', offset: 0, integers: false };
  if (isFloat(type) && type !== 'f64' && type !== 'e8m0') {
    const width = bits <= 4 ? 4 : bits <= 8 ? 8 : 16;
    // The language's own, which many devices have as one instruction.
    const number = type === 'f16' ? 'unpack2x16float(code).x' : decodeExpression(type, 'code');
    return { bits: width, convert: 'code', number, offset: 0, integers: false };
  }
  const signed = type.startsWith('i');
  if (!isFloat(type) && bits <= 4) {
    const sign = 2 ** (bits - 1);
    const width = bits <= 2 ? 2 : 4;
    return {
      bits: width,
      convert: signed ? `code ^ ${sign}u` : 'code',
      number: 'f32(code)',
      offset: signed ? sign : 0,
      integers: true,
    };
  }
  if (!isFloat(type) && bits <= 8) {
    const extended = bits === 8 ? 'code' : `u32(${signExtended('code', bits)}) & 0xffu`;
    const convert = signed ? extended : 'code ^ 0x80u';
    return { bits: 8, convert, number: `f32(${signExtended('code', 8)})`, offset: signed ? 0 : -128, integers: true };
  }
  return numberForm(type);
}

/** Every code as an f32 of its own; what has more than 32 bits is decoded before it comes here. */
export function numberForm(type: ElementType): CodeForm {
  return {
    bits: 32,
    convert: `bitcast<u32>(${decodeNumber(type)})`,
    number: 'bitcast<f32>(code)',
    offset: 0,
    integers: false,
  };
}

/** WGSL: the number of a stored code. */
function decodeNumber(type: ElementType): string {
  if (type === 'f32' || bitsOf(type) > 32) return 'bitcast<f32>(code)';
  if (isFloat(type)) return decodeExpression(type as SmallFloat | 'e8m0', 'code');
  return type.startsWith('i') ? `f32(${signExtended('code', bitsOf(type))})` : 'f32(code)';
}

function signExtended(code: string, bits: number): string {
  return bits === 32 ? `bitcast<i32>(${code})` : `(bitcast<i32>(${code} << ${32 - bits}u) >> ${32 - bits}u)`;
}
