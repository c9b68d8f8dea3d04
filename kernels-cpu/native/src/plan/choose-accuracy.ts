import { type ActivationQuantization, bitsOf, isFloat, type Numerics, type QuantizedWeight } from '@lowbit/core';
import type { ActivationPlan } from './activation-plan.ts';
import { chunkColumns } from './form-bytes.ts';
import { type PackedForm, weightForm } from './weight-form.ts';

/** `Accuracy` of `cpp/linear/linear.h`: what is multiplied with the codes of a weight. */
export type Accuracy = 'exact' | 'int8PerGroup' | 'int8Per128' | 'int8PerToken';

/** Whether activations that no scheme quantizes are rounded to 8 bits, which numerics `fast` does where it pays. */
export function roundsActivations(
  weight: QuantizedWeight,
  activations: ActivationQuantization | undefined,
  numerics: Numerics,
): boolean {
  const form = weightForm(weight);
  return numerics === 'fast' && activations === undefined && form.form === 'packed' && multipliesIntegers(form.packed);
}

/** What numbers that no scheme quantizes are multiplied as. Scales of activations are shared where kernels gain by it. */
export function accuracyOfNumbers(weight: QuantizedWeight, numerics: Numerics): Accuracy {
  if (!roundsActivations(weight, undefined, numerics)) return 'exact';
  const form = weightForm(weight);
  return form.form === 'packed' && ['f4e2m1', 'u4', 'i4'].includes(form.packed.codes) ? 'int8Per128' : 'int8PerGroup';
}

/**
 * Codes of quantized activations are multiplied as integers where the kernels can, which loses nothing; everywhere else
 * what the codes stand for is multiplied as f32 numbers.
 */
export function accuracyOfCodes(weight: QuantizedWeight, activations: ActivationPlan): Accuracy {
  const form = weightForm(weight);
  const { type, groupSize, scales, zeros, symmetric } = activations;
  if (form.form !== 'packed' || !multipliesIntegers(form.packed)) return 'exact';
  if (isFloat(type) || !type.startsWith('i') || bitsOf(type) > 8) return 'exact';
  const asymmetric = scales ? zeros !== undefined : symmetric === false;
  const onePerRow = form.packed.groupSize >= weight.inFeatures;
  if (asymmetric && !(onePerRow && (zeros?.every(Number.isInteger) ?? true))) return 'exact';
  if (groupSize >= weight.inFeatures) return 'int8PerToken';
  const sameGroups = !weight.groupIndex && groupSize === chunkColumns(form.packed.groupSize) && !onePerRow;
  const evenly = form.packed.groupSize % groupSize === 0;
  return sameGroups && evenly && !asymmetric ? 'int8PerGroup' : 'exact';
}

function multipliesIntegers({ codes }: PackedForm): boolean {
  return codes === 'f4e2m1' || codes === 'u4' || codes === 'i4' || codes === 'u8' || codes === 'i8';
}
