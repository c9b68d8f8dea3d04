import {
  type ActivationQuantization,
  bitsOf,
  type ElementType,
  isFloat,
  type LinearDescription,
  type LinearExecution,
  type QuantizedWeight,
  type Refusal,
} from '@lowbit/core';

/** Codes up to this width, and so products of two of them, are exact in the numbers that hold them. */
const maxIntegerBits = 16;

/** Why a linear's activations cannot be quantized as its description says; undefined where they can, or need not be. */
export function refuseActivations(description: LinearDescription, by: string): Refusal | undefined {
  const hint = 'Run with numerics exact: activations are then left as they are.';
  const { weight, decoding = {} } = description;
  const reason = reasonAgainstExecution(weight, description);
  if (reason) return { by, hint, ...reason };
  const decodingReason = reasonAgainstExecution(weight, decoding);
  return decodingReason && { by, hint, ...decodingReason, message: `while decoding: ${decodingReason.message}` };
}

type Reason = Pick<Refusal, 'code' | 'message'>;

function reasonAgainstExecution(weight: QuantizedWeight, { activations, integer }: LinearExecution) {
  const reason = activations && reasonAgainst(activations);
  if (reason || !integer) return reason;
  const message = reasonAgainstInteger(weight, activations);
  return message === undefined ? undefined : { code: 'INTEGER_EXECUTION', message };
}

function reasonAgainst({ type, granularity, scale }: ActivationQuantization): Reason | undefined {
  if (!isCodeType(type)) {
    return {
      code: 'ACTIVATION_TYPE',
      message: `activations as ${type}, needs a float or integers of at most ${maxIntegerBits} bits`,
    };
  }
  if (granularity.kind === 'group' && !(Number.isInteger(granularity.size) && granularity.size > 0)) {
    return { code: 'ACTIVATION_GROUP', message: `activation groups of ${granularity.size} features` };
  }
  if (scale.kind === 'static') {
    if (granularity.kind !== 'token') return undefined;
    return { code: 'ACTIVATION_SCALE', message: 'a stored activation scale per token, needs one per tensor or group' };
  }
  if (!scale.symmetric && isFloat(type)) {
    return { code: 'ACTIVATION_SCALE', message: `asymmetric activations as ${type}, needs an integer type` };
  }
  if (scale.scaleType !== undefined && !isFloat(scale.scaleType)) {
    return { code: 'ACTIVATION_SCALE', message: `activation scales rounded to ${scale.scaleType}, needs a float type` };
  }
  return undefined;
}

function reasonAgainstInteger(
  weight: QuantizedWeight,
  activations: ActivationQuantization | undefined,
): string | undefined {
  if (!activations) return 'integer constants without activation quantization';
  const { type, granularity, scale } = activations;
  const codes = weight.codes.type;
  if (isFloat(type) || isFloat(codes) || bitsOf(codes) > maxIntegerBits) {
    return `integer constants for ${codes} weights and ${type} activations, needs integers of at most ${maxIntegerBits} bits`;
  }
  if (scale.kind !== 'static' || granularity.kind !== 'tensor') {
    return `integer constants for ${scale.kind} scales per ${granularity.kind}, needs static per tensor`;
  }
  return undefined;
}

function isCodeType(type: ElementType): boolean {
  return type !== 'e8m0' && (isFloat(type) || bitsOf(type) <= maxIntegerBits);
}
