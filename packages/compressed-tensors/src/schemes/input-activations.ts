import type { ActivationQuantization, DynamicScale, ElementType, Refusal, TensorClaims } from '@lowbit/core';
import { claimTable, floatDTypes, scalarForms } from '../module-tensors.ts';
import type { QuantizationArgs } from '../quantization-args.ts';
import type { QuantizationScheme } from '../quantization-scheme.ts';
import { isMx } from '../scale-types.ts';

const floatTypes: Readonly<Record<number, ElementType>> = { 4: 'f4e2m1', 6: 'f6e2m3', 8: 'f8e4m3' };

/** Half of the codes' range: the library divides the largest magnitude by it, so that int8 has 127.5. */
const floatDivisors: Readonly<Record<number, number>> = { 4: 6, 6: 7.5, 8: 448 };

/**
 * Powers of two go up where the magnitude's mantissa would round to 2 with one bit left of it, three for e2m3: from 1.75
 * and 1.9375 on. Source: compressed-tensors, `round_to_power_2`.
 */
const mxDivisors: Readonly<Record<number, number>> = { 4: 14 / 3, 6: 31 / 6, 8: 896 / 3 };

/**
 * How the input of a linear is quantized. Static: `input_scale`, `input_zero_point`. `local`: `input_global_scale`, the
 * group scales from the data.
 * @throws TensorError
 */
export function claimActivations(args: QuantizationArgs, name: string, tensors: TensorClaims): ActivationQuantization {
  const { numBits } = args;
  const type = args.type === 'int' ? (`i${numBits}` as ElementType) : floatTypes[numBits]!;
  const scale = args.dynamic === false ? claimStatic(args, name, tensors) : dynamicScale(args, name, tensors);
  const hasZero = scale.kind === 'static' ? scale.zero !== undefined : !scale.symmetric;
  return {
    type,
    granularity: granularityOf(args),
    scale,
    rounding: 'half-even',
    // The library rounds the sum.
    ...(hasZero ? { zeroFirst: true } : {}),
  };
}

/** What the library allows and cannot be said, or run, here. */
export function refuseActivations({
  weights,
  inputActivations: args,
}: Pick<QuantizationScheme, 'weights' | 'inputActivations'>): Refusal | undefined {
  if (!args) return undefined;
  const { type, symmetric, strategy, groupSize, dynamic, scaleType, section } = args;
  const refused = (message: string): Refusal => ({
    by: 'compressed-tensors',
    code: 'ACTIVATIONS',
    message: `${section.path}: ${message}`,
  });
  if (type === 'float' && !symmetric) return refused('asymmetric floats are not supported');
  if (dynamic === false && strategy !== 'tensor') return refused(`stored scales per ${strategy} are not supported`);
  if (dynamic === true && strategy === 'tensor_group') {
    return refused('a global scale from the data is not supported, only a stored one (dynamic "local")');
  }
  if (weights?.grouped && groupSize !== undefined) {
    return refused('groups of inputs in the order of a group index are not supported');
  }
  if (scaleType === 'e8m0' && !isMx(args)) {
    return refused('scales as exponents exist for floats in groups of 32 only');
  }
  return undefined;
}

function granularityOf({ strategy, groupSize }: QuantizationArgs): ActivationQuantization['granularity'] {
  if (groupSize !== undefined) return { kind: 'group', size: groupSize };
  return { kind: strategy === 'token' ? 'token' : 'tensor' };
}

function claimStatic(
  { type, symmetric }: QuantizationArgs,
  name: string,
  tensors: TensorClaims,
): ActivationQuantization['scale'] {
  const scale = claimTable(tensors, `${name}.input_scale`, floatDTypes, scalarForms);
  const tensor = `${name}.input_zero_point`;
  const hasZero = !symmetric || (type === 'int' && tensors.has(tensor));
  return { kind: 'static', scale, ...(hasZero ? { zero: claimTable(tensors, tensor, ['I8'], scalarForms) } : {}) };
}

function dynamicScale(args: QuantizationArgs, name: string, tensors: TensorClaims): DynamicScale {
  const { type, numBits, symmetric, dynamic, scaleType } = args;
  const steps = 2 ** numBits - 1;
  const divisors = isMx(args) ? mxDivisors : floatDivisors;
  const divisor = type === 'float' ? divisors[numBits]! : symmetric ? steps / 2 : steps;
  const rounded = scaleType !== undefined && scaleType !== 'f32' && scaleType !== 'f64';
  const globalScale =
    dynamic === 'local' ? claimTable(tensors, `${name}.input_global_scale`, ['F32'], scalarForms) : undefined;
  return {
    kind: 'dynamic',
    symmetric,
    divisor,
    ...(rounded ? { scaleType } : {}),
    ...(globalScale ? { globalScale: { ...globalScale, divide: true } } : {}),
  };
}
