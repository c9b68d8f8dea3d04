import { type ActivationQuantization, type DynamicScale, integerRange, isFloat, type Stored } from '@lowbit/core';
import {
  decodeElement,
  decodeStored,
  encodeElement,
  type ReadTensor,
  roundHalfAwayFromZero,
  roundHalfEven,
} from '@lowbit/numerics';

/** A row's codes, and what they stand for. */
export interface ExpectedActivations {
  readonly codes: Float64Array;
  readonly values: Float32Array;
}

/** `x' = (q - zero) * scale` with `q = clamp(round(x / scale) + zero)` or the sum rounded, one group of one row after the other, in f32. */
export function expectedActivations(
  input: Float32Array,
  inFeatures: number,
  activations: ActivationQuantization,
  read: ReadTensor,
): ExpectedActivations {
  const { granularity } = activations;
  const size = granularity.kind === 'group' ? granularity.size : inFeatures;
  const codes = new Float64Array(input.length);
  const values = new Float32Array(input.length);
  for (let row = 0; row < input.length; row += inFeatures) {
    for (let offset = 0; offset < inFeatures; offset += size) {
      const start = row + offset;
      const end = Math.min(start + size, row + inFeatures);
      const { scale, zero } = scaleAndZero(input.subarray(start, end), offset / size, activations, read);
      for (let i = start; i < end; i++) {
        const quotient = activations.reciprocal ? input[i]! * Math.fround(1 / scale) : input[i]! / scale;
        codes[i] = scale === 0 ? zero : quantize(Math.fround(quotient), zero, activations);
        values[i] = (codes[i]! - zero) * scale;
      }
    }
  }
  return { codes, values };
}

function scaleAndZero(values: Float32Array, group: number, { scale, type }: ActivationQuantization, read: ReadTensor) {
  if (scale.kind === 'static') {
    return { scale: one(scale.scale, group, read), zero: scale.zero ? one(scale.zero, group, read) : 0 };
  }
  if (scale.symmetric) {
    return { scale: roundScale(Math.max(...values.map(Math.abs)) / scale.divisor, scale, read), zero: 0 };
  }
  const min = Math.min(0, ...values);
  const rounded = roundScale((Math.max(0, ...values) - min) / scale.divisor, scale, read);
  const [least, greatest] = isFloat(type) ? [0, 0] : integerRange(type);
  const zero = rounded === 0 ? 0 : roundHalfEven(least - min / rounded);
  return { scale: rounded, zero: Math.min(greatest, Math.max(least, zero)) };
}

function roundScale(scale: number, { scaleType, globalScale }: DynamicScale, read: ReadTensor): number {
  if (!scaleType) return Math.fround(scale);
  const stored = globalScale ? one(globalScale, 0, read) : 1;
  const global = globalScale?.divide ? 1 / stored : stored;
  return Math.fround(decodeElement(encodeElement(scale / global, scaleType), scaleType) * global);
}

function quantize(quotient: number, zero: number, { type, rounding, zeroFirst }: ActivationQuantization): number {
  if (isFloat(type)) return decodeElement(encodeElement(quotient, type), type);
  const [least, greatest] = integerRange(type);
  const round = rounding === 'half-even' ? roundHalfEven : roundHalfAwayFromZero;
  const code = zeroFirst ? round(Math.fround(quotient + zero)) : round(quotient) + zero;
  return Math.min(greatest, Math.max(least, code));
}

function one(stored: Stored, group: number, read: ReadTensor): number {
  return decodeStored(stored, read(stored.ref), [['in', group + 1]])[group]!;
}
