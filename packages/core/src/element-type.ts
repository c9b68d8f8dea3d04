/**
 * What one number is. Integers are `u` (unsigned) or `i` (two's complement) and a width in bits. Floats: `f16`, `bf16`,
 * `f32`, `f64`; OCP FP8 (`f8e4m3`, `f8e5m2`) and its AMD variants (`fnuz`); OCP MX v1.0 (`f6e2m3`, `f6e3m2`, `f4e2m1`,
 * and the power-of-two scale `e8m0`).
 */
export type ElementType = IntegerType | FloatType;

type Width = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 16 | 32 | 64;
export type IntegerType = `${'u' | 'i'}${Width}`;
export type FloatType =
  | 'f64'
  | 'f32'
  | 'f16'
  | 'bf16'
  | 'f8e4m3'
  | 'f8e5m2'
  | 'f8e4m3fnuz'
  | 'f8e5m2fnuz'
  | 'f6e2m3'
  | 'f6e3m2'
  | 'f4e2m1'
  | 'e8m0';

const floatBits: Readonly<Record<FloatType, number>> = {
  f64: 64,
  f32: 32,
  f16: 16,
  bf16: 16,
  f8e4m3: 8,
  f8e5m2: 8,
  f8e4m3fnuz: 8,
  f8e5m2fnuz: 8,
  f6e2m3: 6,
  f6e3m2: 6,
  f4e2m1: 4,
  e8m0: 8,
};

/** Width of one element in bits. */
export function bitsOf(type: ElementType): number {
  return isFloat(type) ? floatBits[type] : Number(type.slice(1));
}

export function isFloat(type: ElementType): type is FloatType {
  return Object.hasOwn(floatBits, type);
}

/** Smallest and largest value of an integer type of at most 32 bits. */
export function integerRange(type: IntegerType): readonly [min: number, max: number] {
  const bits = bitsOf(type);
  return type.startsWith('u') ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}
