import { ConfigError, type SchemeAnswer, type TensorRef } from '@lowbit/core';
import type { CompressedTensorsSettings } from './compressed-tensors-settings.ts';
import { formatWarnings, packingWarnings } from './group-warnings.ts';
import type { WeightShape } from './module-tensors.ts';
import type { QuantizationScheme } from './quantization-scheme.ts';
import { refuseUncompressed, refuseWeights } from './refuse-weights.ts';
import { type StoredForm, storedForm, storedTensor } from './stored-form.ts';
import { findIgnored } from './targets.ts';

/** The group that a module belongs to, or the rule that leaves it out. */
export type GroupAnswer = SchemeAnswer<QuantizationScheme>;

/** A module and what the file holds of it. */
interface Candidate {
  readonly shape: WeightShape;
  readonly form: StoredForm;
  readonly settings: CompressedTensorsSettings;
  readonly tensors: ReadonlyMap<string, TensorRef>;
}

/**
 * Targets and `ignore` say which group a module is in; the tensors say whether it is quantized. Where they disagree the
 * tensors count, and there is a warning.
 * @throws TensorError for a module without a weight, or with two; ConfigError for a quantized one that no target covers
 */
export function chooseGroup(
  shape: WeightShape,
  classes: readonly string[],
  settings: CompressedTensorsSettings,
  tensors: ReadonlyMap<string, TensorRef>,
): GroupAnswer {
  const { name } = shape;
  const form = storedForm(name, tensors);
  const candidate = { shape, form, settings, tensors };
  const entry = findIgnored(settings.ignore, { name, classes });
  const group = settings.findScheme({ name, classes });
  const ignored = entry === undefined ? undefined : `ignore: ${JSON.stringify(entry)}`;
  if (form === 'float')
    return ignored || !group ? unquantized(ignored ?? 'no target covers it') : floats(group, candidate);
  if (!group) throw uncovered(candidate);
  const held = storedTensor(name, form);
  const { file } = settings.section;
  const warning = `${file}: ${ignored} covers ${name}, but the file holds ${held}; it is read as quantized`;
  return quantized(group, candidate, ignored ? [warning] : []);
}

function quantized(group: QuantizationScheme, candidate: Candidate, warnings: readonly string[]): GroupAnswer {
  const { shape, form, settings, tensors } = candidate;
  const { weights, section } = group;
  if (!weights) {
    throw new ConfigError({
      file: section.file,
      field: `${section.path}.weights`,
      expected: `an object, as the file holds ${storedTensor(shape.name, form)}`,
      actual: null,
    });
  }
  const refusal = refuseWeights(weights);
  if (refusal) return { kind: 'refused', refusal };
  const more = form === 'packed' ? packingWarnings(weights, shape, settings, tensors) : [];
  return { kind: 'scheme', scheme: group, warnings: [...warnings, ...formatWarnings(group, form), ...more] };
}

/** Not quantized, or only its input is. */
function floats(group: QuantizationScheme, { shape: { name }, settings, tensors }: Candidate): GroupAnswer {
  const { weights, inputActivations, section } = group;
  if (weights && tensors.has(`${name}.weight_scale`)) {
    return { kind: 'refused', refusal: refuseUncompressed(name, settings.status) };
  }
  if (weights) {
    const rule = `the file holds ${name}.weight in floats`;
    return unquantized(rule, `${name} is in ${section.path}, but ${rule}; it is read as unquantized`);
  }
  return inputActivations ? { kind: 'scheme', scheme: group } : unquantized(`${section.path} quantizes nothing`);
}

function unquantized(rule: string, ...warnings: readonly string[]): GroupAnswer {
  return { kind: 'unquantized', rule, warnings };
}

function uncovered({ shape: { name }, form, settings: { section } }: Candidate): ConfigError {
  return new ConfigError({
    file: section.file,
    field: `${section.path}.config_groups`,
    expected: `a target that covers ${name}, as the file holds ${storedTensor(name, form)}`,
    actual: undefined,
  });
}
