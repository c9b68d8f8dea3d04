import { bitsOf, type ElementType, integerRange, isFloat, type QuantizedWeight } from '@lowbit/core';

/** How a weight is kept: as packed codes, as the dense numbers of the file, or decoded to f32. */
export type WeightForm =
  | { readonly form: 'packed'; readonly packed: PackedForm }
  | { readonly form: 'dense' }
  | { readonly form: 'decoded' };

/** `WeightShape` of `cpp/linear/linear.h`, less the size. */
export interface PackedForm {
  readonly codes: PackedCodes;
  readonly scales: 'f32' | 'f16' | 'bf16';
  readonly zeros: 'none' | 'u8' | 'f32';
  readonly groupSize: number;
}

const floatCodes = ['f4e2m1', 'f6e2m3', 'f6e3m2', 'f8e4m3', 'f8e4m3fnuz', 'f8e5m2'] as const;
type FloatCodes = (typeof floatCodes)[number];
export type PackedCodes = 'u4' | 'i4' | 'u8' | 'i8' | FloatCodes;

/** Below this many columns per group, what a group is filled up with outweighs its codes. */
const leastGroup = 8;

export function weightForm(weight: QuantizedWeight): WeightForm {
  const { codes, scales, zero, shift } = weight;
  const bare = scales.length === 0 && !zero && !shift;
  if (bare && (codes.type === 'f32' || codes.type === 'f16' || codes.type === 'bf16')) return { form: 'dense' };

  const packedCodes = packedCodesOf(codes.type);
  const groupSize = groupSizeOf(weight);
  // Shifts are rare, and as zero points they would be divided by scales.
  if (!packedCodes || shift || groupSize < Math.min(leastGroup, weight.inFeatures)) return { form: 'decoded' };
  if (zero && isFloat(codes.type)) return { form: 'decoded' };
  const zeros = zero ? zerosOf(codes.type, zero.type) : 'none';
  return { form: 'packed', packed: { codes: packedCodes, scales: scalesOf(weight), zeros, groupSize } };
}

export function packedCodesOf(type: ElementType): PackedCodes | undefined {
  if (isFloat(type)) return floatCodes.find((one) => one === type);
  const sign = type.startsWith('u') ? 'u' : 'i';
  if (bitsOf(type) > 8) return undefined;
  return `${sign}${bitsOf(type) <= 4 ? 4 : 8}`;
}

/** Columns that share one number in every table; at least all of them where all tables are per row. */
function groupSizeOf({ scales, zero, inFeatures }: QuantizedWeight): number {
  return (
    [...scales, ...(zero ? [zero] : [])]
      .map(({ block }) => block[1])
      .filter((columns) => columns < inFeatures)
      .reduce(greatestCommonDivisor, 0) || inFeatures
  );
}

/** The scale's own type where it is one number as it is stored; products are f32. */
function scalesOf({ scales }: QuantizedWeight): PackedForm['scales'] {
  const [only, ...others] = scales;
  if (!only || others.length > 0 || only.divide) return 'f32';
  return only.type === 'f16' || only.type === 'bf16' ? only.type : 'f32';
}

/** One byte each where every zero point of its type fits one, counted from 0 or from the least code. */
function zerosOf(codes: ElementType, zero: ElementType): PackedForm['zeros'] {
  if (isFloat(zero) || isFloat(codes) || bitsOf(zero) > 8) return 'f32';
  const origin = codes.startsWith('u') ? 0 : bitsOf(codes) <= 4 ? 8 : 128;
  const [least, most] = integerRange(zero);
  return least + origin >= 0 && most + origin <= 255 ? 'u8' : 'f32';
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
