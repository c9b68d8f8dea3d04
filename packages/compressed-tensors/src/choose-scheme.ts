import { ConfigError, type Refusal, type SchemeAnswer, type TensorRef } from '@lowbit/core';
import type { CompressedTensorsSettings } from './compressed-tensors-settings.ts';
import type { WeightShape } from './module-tensors.ts';
import type { QuantizationScheme } from './quantization-scheme.ts';
import { packingOf } from './schemes/pack-quantized.ts';
import { formOfFormat, type StoredForm, storedForm } from './stored-form.ts';
import { findIgnore, findTarget } from './targets.ts';

/** The group that a module belongs to, or the rule that leaves it out. */
export type GroupAnswer = SchemeAnswer<{ readonly group: QuantizationScheme }>;

type Tensors = ReadonlyMap<string, TensorRef>;

/**
 * Targets and `ignore` say which group a module is in; the tensors say whether it is quantized. Where they disagree the
 * tensors count, and there is a warning.
 * @throws TensorError for a module without a weight, or with two; ConfigError for a quantized one that no target covers
 */
export function chooseGroup(
  shape: WeightShape,
  classes: readonly string[],
  settings: CompressedTensorsSettings,
  tensors: Tensors,
): GroupAnswer {
  const module = { name: shape.name, classes };
  const form = storedForm(shape.name, tensors);
  const ignored = findIgnore(settings.ignore, module);
  const target = findTarget(targetsOf(settings), module);
  if (form === 'float' && (ignored !== undefined || !target)) {
    return {
      kind: 'unquantized',
      rule: ignored === undefined ? 'no target covers it' : `ignore: ${JSON.stringify(ignored)}`,
    };
  }
  if (!target) throw uncovered(shape.name, form, settings);
  const warnings: string[] = [];
  if (ignored !== undefined) {
    warnings.push(
      `${settings.section.file}: ignore: ${JSON.stringify(ignored)} covers ${shape.name}, but the file holds ${tensorOf(shape.name, form)}; it is read as quantized`,
    );
  }
  return answerFor(target.scheme, shape, form, settings, tensors, warnings);
}

function answerFor(
  group: QuantizationScheme,
  shape: WeightShape,
  form: StoredForm,
  settings: CompressedTensorsSettings,
  tensors: Tensors,
  warnings: string[],
): GroupAnswer {
  const { weights, inputActivations, section } = group;
  const { name } = shape;
  if (form === 'float') {
    if (!weights && !inputActivations)
      return { kind: 'unquantized', rule: `${section.path} quantizes nothing`, warnings };
    if (weights && tensors.has(`${name}.weight_scale`))
      return { kind: 'refused', refusal: notCompressed(name, settings) };
    if (weights) {
      warnings.push(
        `${name} is in ${section.path}, but the file holds ${name}.weight in floats; it is read as unquantized`,
      );
      return { kind: 'unquantized', rule: `the file holds ${name}.weight in floats`, warnings };
    }
  } else if (!weights) {
    throw new ConfigError({
      file: section.file,
      field: `${section.path}.weights`,
      expected: `an object, as the file holds ${tensorOf(name, form)}`,
      actual: null,
    });
  }
  const refusal = weights ? refuseWeights(group) : undefined;
  if (refusal) return { kind: 'refused', refusal };
  warnings.push(...formatWarnings(group, form), ...packingWarnings(group, shape, form, settings, tensors));
  return { kind: 'scheme', scheme: { group }, warnings };
}

/** A target that stands in two groups means the later one, as in the library. */
function targetsOf({ schemes }: CompressedTensorsSettings) {
  return [...schemes].reverse().flatMap((scheme) => scheme.targets.map((text) => ({ text, scheme })));
}

function uncovered(name: string, form: StoredForm, { section }: CompressedTensorsSettings): ConfigError {
  return new ConfigError({
    file: section.file,
    field: `${section.path}.config_groups`,
    expected: `a target that covers ${name}, as the file holds ${tensorOf(name, form)}`,
    actual: undefined,
  });
}

function refuseWeights({ weights, section }: QuantizationScheme): Refusal | undefined {
  if (!weights) return undefined;
  const { strategy, dynamic } = weights;
  const stored = strategy !== 'token' && strategy !== 'attn_head' && dynamic === false;
  if (stored) return undefined;
  return {
    by: 'compressed-tensors',
    code: 'WEIGHTS',
    message: `${section.path}.weights: ${dynamic === false ? `scales per ${strategy}` : 'dynamic'} weights are not supported`,
  };
}

/** Floats beside scales: the library would round them when it runs them. */
function notCompressed(name: string, { status, section }: CompressedTensorsSettings): Refusal {
  return {
    by: 'compressed-tensors',
    code: 'NOT_COMPRESSED',
    message: `${name}.weight holds floats beside ${name}.weight_scale (${section.path}.quantization_status: ${status ?? 'absent'}): the weight was not compressed`,
    hint: 'save the model again with save_compressed=True',
  };
}

function formatWarnings({ format, section }: QuantizationScheme, form: StoredForm): readonly string[] {
  if (!format || formOfFormat[format] === form || form === 'float') return [];
  const held = form === 'packed' ? 'weight_packed' : 'weight with one number per element';
  return [`${section.file}: the format of ${section.path} is ${format}, but the file holds ${held}; the file counts`];
}

function packingWarnings(
  { weights, section }: QuantizationScheme,
  shape: WeightShape,
  form: StoredForm,
  { version, versionText }: CompressedTensorsSettings,
  tensors: Tensors,
): readonly string[] {
  if (!weights || form !== 'packed' || weights.type === 'float') return [];
  const claims = { peek: (name: string) => tensors.get(name) };
  const { packing, guessed, against } = packingOf(weights.numBits, shape, version, claims);
  if (against) {
    return [
      `${section.file}: version ${versionText} packs ${weights.numBits}-bit codes ${against}, but the file holds ${packing} ones; the file counts`,
    ];
  }
  if (!guessed) return [];
  return [
    `${shape.name}: ${weights.numBits}-bit codes, and neither sizes nor a version tell how they are packed; read as versions before 0.18 do`,
  ];
}

function tensorOf(name: string, form: StoredForm): string {
  return form === 'packed' ? `${name}.weight_packed` : `${name}.weight`;
}
