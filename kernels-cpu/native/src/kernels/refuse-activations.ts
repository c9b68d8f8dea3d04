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

type Reason = Pick<Refusal, 'code' | 'message'>;

/** Why a linear's activations cannot be quantized as its description says; undefined where they can, or need not be. */
export function refuseActivations(description: LinearDescription, by: string): Refusal | undefined {
  const hint = 'Run with numerics exact: activations are then left as they are.';
  const { weight, decoding } = description;
  const reason = reasonAgainst(weight, description);
  if (reason) return { by, hint, ...reason };
  const later = decoding && reasonAgainst(weight, decoding);
  return later && { by, hint, code: later.code, message: `while decoding: ${later.message}` };
}

function reasonAgainst(weight: QuantizedWeight, { activations, integer }: LinearExecution): Reason | undefined {
  return (
    (activations && reasonAgainstActivations(activations)) ?? (integer && reasonAgainstInteger(weight, activations))
  );
}

function reasonAgainstActivations({ type, granularity, scale }: ActivationQuantization): Reason | undefined {
  if (type === 'e8m0' || (!isFloat(type) && bitsOf(type) > 16)) {
    return { code: 'ACTIVATION_TYPE', message: `activations as ${type}, needs a float or integers of at most 16 bits` };
  }
  if (granularity.kind === 'group' && !(Number.isInteger(granularity.size) && granularity.size > 0)) {
    return { code: 'ACTIVATION_GROUP', message: `activation groups of ${granularity.size} features` };
  }
  const scaleReason = (message: string): Reason => ({ code: 'ACTIVATION_SCALE', message });
  if (scale.kind === 'static') {
    if (granularity.kind !== 'token') return undefined;
    return scaleReason('a stored activation scale per token, needs one per tensor or group');
  }
  if (!scale.symmetric && isFloat(type)) return scaleReason(`asymmetric activations as ${type}, needs an integer type`);
  if (scale.scaleType !== undefined && !isFloat(scale.scaleType)) {
    return scaleReason(`activation scales rounded to ${scale.scaleType}, needs a float type`);
  }
  return undefined;
}

function reasonAgainstInteger(
  weight: QuantizedWeight,
  activations: ActivationQuantization | undefined,
): Reason | undefined {
  const reason = (message: string): Reason => ({ code: 'INTEGER_EXECUTION', message: `integer constants ${message}` });
  if (!activations) return reason('without activation quantization');
  const { type, granularity, scale } = activations;
  const signed = !isFloat(type) && type.startsWith('i') && bitsOf(type) <= 8;
  if (!signed || !isSmallInteger(weight.codes.type)) {
    const found = `for ${weight.codes.type} weights and ${type} activations`;
    return reason(`${found}, needs integers of at most 8 bits, activations signed`);
  }
  if (scale.kind === 'static' && granularity.kind === 'tensor') return undefined;
  return reason(`for ${scale.kind} scales per ${granularity.kind}, needs static per tensor`);
}

function isSmallInteger(type: ElementType): boolean {
  return !isFloat(type) && bitsOf(type) <= 8;
}
