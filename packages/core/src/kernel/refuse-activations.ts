import type { ActivationQuantization } from '../activation-quantization.ts';
import type { LinearDescription, LinearExecution } from '../description.ts';
import { bitsOf, type ElementType, isFloat } from '../element-type.ts';
import type { QuantizedWeight } from '../quantized-weight.ts';
import type { Refusal } from '../refusal.ts';

/** Which integers a kernel multiplies with each other where the checkpoint stores integer constants. */
export interface IntegerLimits {
  /** Of codes of weights and of activations. */
  readonly maxBits: number;
  readonly signedActivations?: true;
}

/** Codes of activations up to this width are exact in the numbers that hold them. */
const maxCodeBits = 16;

/**
 * Why a linear's activations cannot be quantized as its description says; undefined where they can, or need not be. For
 * `refuse` of linear kernels, with numerics other than `exact`.
 * @param by name of the kernel
 */
export function refuseActivations(
  description: LinearDescription,
  by: string,
  integers: IntegerLimits,
): Refusal | undefined {
  const hint = 'Run with numerics exact: activations are then left as they are.';
  const { weight, decoding = {} } = description;
  const reason = reasonAgainst(weight, description, integers);
  if (reason) return { by, hint, ...reason };
  const later = reasonAgainst(weight, decoding, integers);
  return later && { by, hint, code: later.code, message: `while decoding: ${later.message}` };
}

type Reason = Pick<Refusal, 'code' | 'message'>;

function reasonAgainst(
  weight: QuantizedWeight,
  { activations, integer }: LinearExecution,
  integers: IntegerLimits,
): Reason | undefined {
  const reason = activations && reasonAgainstActivations(activations);
  if (reason || !integer) return reason;
  const message = reasonAgainstInteger(weight, activations, integers);
  return message === undefined ? undefined : { code: 'INTEGER_EXECUTION', message: `integer constants ${message}` };
}

function reasonAgainstActivations({ type, granularity, scale }: ActivationQuantization): Reason | undefined {
  if (type === 'e8m0' || !(isFloat(type) || bitsOf(type) <= maxCodeBits)) {
    const needs = `needs a float or integers of at most ${maxCodeBits} bits`;
    return { code: 'ACTIVATION_TYPE', message: `activations as ${type}, ${needs}` };
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
  { codes }: QuantizedWeight,
  activations: ActivationQuantization | undefined,
  { maxBits, signedActivations }: IntegerLimits,
): string | undefined {
  if (!activations) return 'without activation quantization';
  const { type, granularity, scale } = activations;
  const fits = (one: ElementType) => !isFloat(one) && bitsOf(one) <= maxBits;
  if (!fits(codes.type) || !fits(type) || (signedActivations && !type.startsWith('i'))) {
    const signed = signedActivations ? ', activations signed' : '';
    return `for ${codes.type} weights and ${type} activations, needs integers of at most ${maxBits} bits${signed}`;
  }
  if (scale.kind === 'static' && granularity.kind === 'tensor') return undefined;
  return `for ${scale.kind} scales per ${granularity.kind}, needs static per tensor`;
}
