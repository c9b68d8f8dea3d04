import type { FloatType } from '@lowbit/core';

interface FloatShape {
  readonly exponentBits: number;
  readonly mantissaBits: number;
  readonly bias: number;
  readonly specials: 'FINITE' | 'IEEE' | 'ALL_ONES' | 'FNUZ';
  /** Largest finite code without sign, and the code of what is larger. */
  readonly largest: number;
  readonly overflow: number;
}

export type SmallFloat = Exclude<FloatType, 'f64' | 'f32' | 'e8m0'>;

/** The formats of `@lowbit/numerics`, as the arguments of `decodeFloat` and `encodeFloat` of floats.wgsl. */
const shapes: Readonly<Record<SmallFloat, FloatShape>> = {
  f16: ieee(5, 10, 15, 0x7c00),
  bf16: ieee(8, 7, 127, 0x7f80),
  f8e4m3: saturating(4, 3, 7, 'ALL_ONES', 0x7e),
  f8e5m2: saturating(5, 2, 15, 'IEEE', 0x7b),
  f8e4m3fnuz: saturating(4, 3, 8, 'FNUZ', 0x7f),
  f8e5m2fnuz: saturating(5, 2, 16, 'FNUZ', 0x7f),
  f6e2m3: saturating(2, 3, 1, 'FINITE', 0x1f),
  f6e3m2: saturating(3, 2, 3, 'FINITE', 0x1f),
  f4e2m1: saturating(2, 1, 1, 'FINITE', 0x07),
};

function ieee(exponentBits: number, mantissaBits: number, bias: number, infinity: number): FloatShape {
  return { exponentBits, mantissaBits, bias, specials: 'IEEE', largest: infinity - 1, overflow: infinity };
}

function saturating(
  exponentBits: number,
  mantissaBits: number,
  bias: number,
  specials: FloatShape['specials'],
  largest: number,
): FloatShape {
  return { exponentBits, mantissaBits, bias, specials, largest, overflow: largest };
}

/** WGSL that decodes the code in the expression `code`. */
export function decodeExpression(type: SmallFloat | 'e8m0', code: string): string {
  if (type === 'e8m0') return `decodePowerOfTwo(${code})`;
  if (type === 'bf16') return `bitcast<f32>(${code} << 16u)`;
  const { exponentBits, mantissaBits, bias, specials } = shapes[type];
  return `decodeFloat(${code}, ${exponentBits}u, ${mantissaBits}u, ${bias}, ${specials})`;
}

/** WGSL for the code nearest to the f32 in the expression `value`. */
export function encodeExpression(type: SmallFloat, value: string, halfAway = false): string {
  const { exponentBits, mantissaBits, bias, specials, largest, overflow } = shapes[type];
  const shape = `${exponentBits}u, ${mantissaBits}u, ${bias}, ${specials}, ${largest}u, ${overflow}u`;
  return `encodeFloat(${value}, ${shape}, ${halfAway})`;
}

/** WGSL for the number of a float type nearest to the f32 in the expression `value`. */
export function roundExpression(type: FloatType, value: string, halfAway = false): string {
  if (type === 'f32' || type === 'f64') return value;
  if (type === 'e8m0') return `roundToPowerOfTwo(${value})`;
  return decodeExpression(type, encodeExpression(type, value, halfAway));
}
