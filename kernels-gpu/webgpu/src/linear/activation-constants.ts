import { type ActivationQuantization, integerRange, isFloat, type TensorBytes } from '@lowbit/core';
import { decodeStored } from '@lowbit/numerics';
import { roundExpression } from '../numbers/float-arguments.ts';

/** WGSL functions that quantize-activations.wgsl calls. */
export function activationFunctions({ type, rounding, zeroFirst, scale }: ActivationQuantization): string {
  const halfAway = rounding === 'half-away';
  const [least, greatest] = isFloat(type) ? [0, 0] : integerRange(type);
  const inRange = (code: string) => `clamp(${code}, ${least}.0, ${greatest}.0)`;
  const sum = zeroFirst
    ? `roundToInteger(quotient + zero, ${halfAway})`
    : `roundToInteger(quotient, ${halfAway}) + zero`;
  const code = isFloat(type) ? roundExpression(type, 'quotient', halfAway) : inRange(sum);
  return [
    `fn roundCode(quotient: f32, zero: f32) -> f32 { return ${code}; }`,
    `fn roundScale(scale: f32, global: f32) -> f32 { return ${scaleExpression(scale)}; }`,
  ].join('\n');
}

function scaleExpression(scale: ActivationQuantization['scale']): string {
  if (scale.kind === 'static' || scale.scaleType === undefined || !isFloat(scale.scaleType)) return 'scale';
  const { scaleType, globalScale } = scale;
  if (!globalScale) return roundExpression(scaleType, 'scale');
  if (globalScale.divide) return `divide(${roundExpression(scaleType, '(scale * global)')}, global)`;
  return `${roundExpression(scaleType, 'divide(scale, global)')} * global`;
}

/** The numbers of quantize-activations.wgsl, of one linear. */
export function activationConstants(activations: ActivationQuantization, inFeatures: number) {
  const { type, granularity, reciprocal, scale } = activations;
  const groupFeatures = granularity.kind === 'group' ? Math.min(granularity.size, inFeatures) : inFeatures;
  const [least, greatest] = isFloat(type) ? [0, 0] : integerRange(type);
  return {
    constants: {
      STATIC: Number(scale.kind === 'static'),
      ASYMMETRIC: Number(scale.kind === 'static' && scale.zero !== undefined),
      SYMMETRIC: Number(scale.kind === 'dynamic' && scale.symmetric),
      RECIPROCAL: Number(reciprocal === true),
    },
    sizes: {
      FEATURES: inFeatures,
      GROUP_FEATURES: groupFeatures,
      NUM_GROUPS: Math.ceil(inFeatures / groupFeatures),
    },
    factors: { DIVISOR: scale.kind === 'dynamic' ? scale.divisor : 1, LEAST: least, GREATEST: greatest },
  };
}

/** What the checkpoint stores of a quantizer. */
export async function storedActivations(
  { scale }: ActivationQuantization,
  groups: number,
  bytes: TensorBytes,
): Promise<{ readonly scales: Float32Array; readonly zeros: Float32Array }> {
  const none = new Float32Array();
  if (scale.kind === 'dynamic') {
    const { globalScale } = scale;
    const scales = globalScale ? decodeStored(globalScale, await bytes.read(globalScale.ref), []) : Float32Array.of(1);
    return { scales, zeros: none };
  }
  const decode = async (stored: typeof scale.scale) =>
    decodeStored(stored, await bytes.read(stored.ref), [['in', groups]]);
  return { scales: await decode(scale.scale), zeros: scale.zero ? await decode(scale.zero) : none };
}
