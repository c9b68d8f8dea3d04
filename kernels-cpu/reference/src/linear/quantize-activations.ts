import { type ActivationQuantization, type DynamicScale, type ElementType, integerRange, isFloat } from '@lowbit/core';
import { decodeStored, type ReadTensor, roundHalfAwayFromZero, roundHalfEven } from '@lowbit/numerics';
import { roundToFloat } from '../round-to-float.ts';

/** The input of a linear as codes, with one scale and one zero point per row and group of features. */
interface QuantizedActivations {
  /** `[rows, in]`: whole numbers, or the numbers of the float type. */
  readonly codes: Float32Array;
  /** `[rows, groups]`, both. */
  readonly scales: Float32Array;
  readonly zeros: Float32Array;
}

export interface ActivationQuantizer {
  /** Features that share a scale: all of them, or a group. */
  readonly groupSize: number;
  quantize(input: Float32Array, rows: number): QuantizedActivations;
  /** `(code - zero) * scale`, `[rows, in]`. */
  dequantize(quantized: QuantizedActivations): Float32Array;
}

interface ScaleAndZero {
  readonly scale: number;
  readonly zero: number;
}

/**
 * Decodes what the checkpoint stores of a quantizer and makes it ready. All arithmetic is f32, as in the libraries that
 * the checkpoints come from. Rows never share a dynamic scale, not even with granularity `tensor`, so that a row does
 * not depend on its batch.
 */
export function createActivationQuantizer(
  activations: ActivationQuantization,
  inFeatures: number,
  read: ReadTensor,
): ActivationQuantizer {
  const { granularity } = activations;
  const groupSize = granularity.kind === 'group' ? granularity.size : inFeatures;
  const groups = Math.ceil(inFeatures / groupSize);
  const scaleOf =
    activations.scale.kind === 'static'
      ? staticScale(activations.scale, groups, read)
      : dynamicScale(activations.scale, activations.type, read);
  const round = rounderFor(activations);
  const divide = activations.reciprocal
    ? (x: number, scale: number) => Math.fround(x * Math.fround(1 / scale))
    : (x: number, scale: number) => Math.fround(x / scale);

  return {
    groupSize,
    quantize(input, rows) {
      const codes = new Float32Array(input.length);
      const scales = new Float32Array(rows * groups);
      const zeros = new Float32Array(rows * groups);
      for (let row = 0; row < rows; row++) {
        for (let group = 0; group < groups; group++) {
          const start = row * inFeatures + group * groupSize;
          const end = Math.min(start + groupSize, (row + 1) * inFeatures);
          const { scale, zero } = scaleOf(input.subarray(start, end), group);
          scales[row * groups + group] = scale;
          zeros[row * groups + group] = zero;
          for (let i = start; i < end; i++) {
            // A scale of zero covers nothing but numbers too small for it, and zero itself.
            const quotient = scale === 0 ? 0 : divide(input[i]!, scale);
            codes[i] = round(quotient, zero);
          }
        }
      }
      return { codes, scales, zeros };
    },
    dequantize({ codes, scales, zeros }) {
      const values = new Float32Array(codes.length);
      for (let i = 0; i < codes.length; i++) {
        const row = Math.floor(i / inFeatures);
        const block = row * groups + Math.floor((i - row * inFeatures) / groupSize);
        values[i] = (codes[i]! - zeros[block]!) * scales[block]!;
      }
      return values;
    },
  };
}

type ScaleOf = (values: Float32Array, group: number) => ScaleAndZero;

function staticScale(
  stored: Extract<ActivationQuantization['scale'], { kind: 'static' }>,
  groups: number,
  read: ReadTensor,
): ScaleOf {
  const { scale: storedScale, zero: storedZero } = stored;
  const scales = decodeStored(storedScale, read(storedScale.ref), [['in', groups]]);
  const zeros = storedZero && decodeStored(storedZero, read(storedZero.ref), [['in', groups]]);
  return (_, group) => ({ scale: scales[group]!, zero: zeros?.[group] ?? 0 });
}

function dynamicScale(dynamic: DynamicScale, type: ElementType, read: ReadTensor): ScaleOf {
  const { symmetric, divisor, globalScale } = dynamic;
  const [global = 1] = globalScale ? decodeStored(globalScale, read(globalScale.ref), []) : [];
  const roundScale = (scale: number) => roundScaleTo(dynamic, global, scale);
  if (symmetric) {
    return (values) => {
      let amax = 0;
      for (const value of values) amax = Math.max(amax, Math.abs(value));
      return { scale: roundScale(Math.fround(amax / divisor)), zero: 0 };
    };
  }
  const [least, greatest] = isFloat(type) ? [0, 0] : integerRange(type);
  return (values) => {
    // The range always includes zero, so that zero has a code.
    let min = 0;
    let max = 0;
    for (const value of values) {
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    const scale = roundScale(Math.fround(Math.fround(max - min) / divisor));
    const zero = scale === 0 ? 0 : roundHalfEven(Math.fround(least - Math.fround(min / scale)));
    return { scale, zero: clamp(zero, least, greatest) };
  };
}

function roundScaleTo({ scaleType, globalScale }: DynamicScale, global: number, scale: number): number {
  if (scaleType === undefined || !isFloat(scaleType)) return scale;
  if (globalScale?.divide) return Math.fround(roundToFloat(Math.fround(scale * global), scaleType) / global);
  return Math.fround(roundToFloat(Math.fround(scale / global), scaleType) * global);
}

/** `clamp(round(x / scale) + zero)` for integers, or the sum rounded; the nearest number of the type for floats. */
function rounderFor({ type, rounding, zeroFirst }: ActivationQuantization) {
  if (isFloat(type)) return (quotient: number) => roundToFloat(quotient, type, rounding);
  const round = rounding === 'half-even' ? roundHalfEven : roundHalfAwayFromZero;
  const [least, greatest] = integerRange(type);
  if (zeroFirst) return (quotient: number, zero: number) => clamp(round(Math.fround(quotient + zero)), least, greatest);
  return (quotient: number, zero: number) => clamp(round(quotient) + zero, least, greatest);
}

/** NaN stays NaN. */
function clamp(value: number, least: number, greatest: number): number {
  return Math.min(greatest, Math.max(least, value));
}
