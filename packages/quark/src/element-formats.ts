import { type ElementType, integerRange, isFloat } from '@lowbit/core';

/** Element dtypes that are described, as Quark spells them. */
export type QuarkElement =
  | 'int2'
  | 'int3'
  | 'int4'
  | 'uint4'
  | 'int8'
  | 'uint8'
  | 'fp8_e4m3'
  | 'fp8_e5m2'
  | 'fp6_e2m3'
  | 'fp6_e3m2'
  | 'fp4';

/** Dtypes that Quark knows too. The two floats are casts; the others have no layout in files, or one that is refused. */
export type OtherQuarkDType =
  | 'bfloat16'
  | 'float16'
  | 'uint2'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'fp8_e5m3'
  | 'mx'
  | 'mx6'
  | 'mx9'
  | 'bfp16';

export type QuarkDType = QuarkElement | OtherQuarkDType;

export const elements: Readonly<Record<QuarkElement, ElementType>> = {
  int2: 'i2',
  int3: 'i3',
  int4: 'i4',
  uint4: 'u4',
  int8: 'i8',
  uint8: 'u8',
  fp8_e4m3: 'f8e4m3',
  fp8_e5m2: 'f8e5m2',
  fp6_e2m3: 'f6e2m3',
  fp6_e3m2: 'f6e3m2',
  fp4: 'f4e2m1',
};

export const otherDTypes: readonly OtherQuarkDType[] = [
  'bfloat16',
  'float16',
  'uint2',
  'int16',
  'uint16',
  'int32',
  'fp8_e5m3',
  'mx',
  'mx6',
  'mx9',
  'bfp16',
];

export function isElement(dtype: QuarkDType): dtype is QuarkElement {
  return Object.hasOwn(elements, dtype);
}

export function isInteger(dtype: QuarkElement): boolean {
  return !isFloat(elements[dtype]);
}

type FloatElement = Extract<QuarkElement, `fp${string}`>;

/** Largest number, exponent of the largest number, and mantissa bits of the float elements (OCP MX v1.0, table 1). */
const floats: Readonly<Record<FloatElement, { max: number; emax: number; mantissaBits: number }>> = {
  fp8_e4m3: { max: 448, emax: 8, mantissaBits: 3 },
  fp8_e5m2: { max: 57344, emax: 15, mantissaBits: 2 },
  fp6_e2m3: { max: 7.5, emax: 2, mantissaBits: 3 },
  fp6_e3m2: { max: 28, emax: 4, mantissaBits: 2 },
  fp4: { max: 6, emax: 2, mantissaBits: 1 },
};

/** `scale = max|x| / divisor`; for integers with zero points, `scale = (max - min) / divisor`. */
export function scaleDivisor(dtype: QuarkElement, symmetric: boolean): number {
  const type = elements[dtype];
  if (isFloat(type)) return floats[dtype as FloatElement].max;
  const [least, greatest] = integerRange(type);
  return symmetric ? (greatest - least) / 2 : greatest - least;
}

export type ScaleCalculationMode = 'even' | 'floor' | 'ceil';

/**
 * The divisor that makes rounding to the nearest power of two, halves up, choose the exponents that Quark chooses from
 * max|x|: the power of two below it, or the next one from the turning point t * 2^n on, less the element's emax.
 *
 * ```
 * even    t = 2 - 2^-(mantissaBits + 1)    1.75 for fp4
 * floor   t = 2
 * ceil    t just above 1
 * divisor = t * 2^emax / 1.5
 * ```
 */
export function powerOfTwoDivisor(dtype: QuarkElement, mode: ScaleCalculationMode): number | undefined {
  if (isInteger(dtype)) return undefined;
  const { emax, mantissaBits } = floats[dtype as FloatElement];
  // Half an f32 step above 1: exactly 2^n stays below the turning point, the next f32 is above it.
  const turningPoint = { even: 2 - 2 ** -(mantissaBits + 1), floor: 2, ceil: 1 + 2 ** -24 }[mode];
  return (turningPoint * 2 ** emax) / 1.5;
}
