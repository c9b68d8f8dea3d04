import { isJsonObject, RefusedError } from '@lowbit/core';
import { checkAttentionScheme, namesAttention } from './attention-scheme.ts';
import { readGroupFormat, type StorageFormat } from './compressed-tensors-format.ts';
import { fieldError, names, readSection, type Section, unknownFields } from './config-section.ts';
import { presetOf } from './presets.ts';
import { type QuantizationArgs, readArgs } from './quantization-args.ts';
import { type NameEntry, readEntries } from './targets.ts';

/** One entry of `config_groups`: how the modules that its targets name are quantized. */
export interface QuantizationScheme {
  /** Its key in `config_groups`. */
  readonly name: string;
  readonly targets: readonly NameEntry[];
  readonly weights?: QuantizationArgs;
  readonly inputActivations?: QuantizationArgs;
  /** Its own, or the model's; absent where neither says. */
  readonly format?: StorageFormat;
  readonly section: Section;
}

const known = ['targets', 'weights', 'input_activations', 'output_activations', 'format'];
const inputStrategies = ['token', 'tensor', 'group', 'tensor_group', 'attn_head'];

/**
 * The groups of a `config_groups` section, in its order.
 * @throws ConfigError; RefusedError for quantized outputs and formats that are not supported
 */
export function readSchemes(
  groups: Section,
  modelFormat: StorageFormat | undefined,
  warnings: string[],
): readonly QuantizationScheme[] {
  return Object.keys(groups.value).map((name) => readScheme(name, expandPreset(groups, name), modelFormat, warnings));
}

function readScheme(
  name: string,
  section: Section,
  modelFormat: StorageFormat | undefined,
  warnings: string[],
): QuantizationScheme {
  warnings.push(...unknownFields(section, known));
  const targets = readEntries(section, 'targets');
  if (!targets) throw fieldError(section, 'targets', names.expected);
  const args = (field: string) => {
    const inner = readSection(section, field);
    return inner && readArgs(inner, warnings);
  };
  const weights = args('weights');
  const inputActivations = args('input_activations');
  const outputActivations = args('output_activations');
  const format = readGroupFormat(section) ?? modelFormat;
  const scheme: QuantizationScheme = {
    name,
    targets,
    ...(weights ? { weights } : {}),
    ...(inputActivations ? { inputActivations } : {}),
    ...(format ? { format } : {}),
    section,
  };
  if (inputActivations) checkInputs(inputActivations);
  if (outputActivations) rejectActorder(outputActivations);
  if (targets.some(namesAttention)) checkAttentionScheme(scheme);
  if (outputActivations) throw refusedOutputs(outputActivations);
  warnings.push(...differentGroups(weights, inputActivations));
  return scheme;
}

/** `{"W4A16": ["Linear"]}` stands for the preset's arguments with these targets. */
function expandPreset(groups: Section, name: string): Section {
  const group = groups.value[name];
  const section = { file: groups.file, path: `${groups.path}.${name}` };
  if (isJsonObject(group)) return { ...section, value: group };
  const preset = Array.isArray(group) ? presetOf(name) : undefined;
  if (preset) return { ...section, value: { targets: group, ...preset } };
  throw fieldError(
    groups,
    name,
    Array.isArray(group) ? 'the name of a preset (W4A16, FP8_DYNAMIC) for a list of targets' : 'an object',
  );
}

function checkInputs(args: QuantizationArgs): void {
  const { strategy, section } = args;
  if (!inputStrategies.includes(strategy)) {
    throw fieldError(section, 'strategy', `one of ${inputStrategies.join(', ')}, the strategies of activations`);
  }
  rejectActorder(args);
}

function rejectActorder({ section }: QuantizationArgs): void {
  const { actorder = null } = section.value;
  if (actorder !== null && actorder !== false) throw fieldError(section, 'actorder', 'null: activations have no order');
}

function refusedOutputs({ section }: QuantizationArgs): RefusedError {
  return new RefusedError({
    message: `${section.file}: ${section.path}: quantized outputs are not supported`,
    refusals: [
      {
        by: 'compressed-tensors',
        code: 'OUTPUT_ACTIVATIONS',
        message: 'the outputs of these modules would have to be quantized',
        hint: 'use a checkpoint with output_activations null',
      },
    ],
  });
}

function differentGroups(weights?: QuantizationArgs, inputs?: QuantizationArgs): readonly string[] {
  if (weights?.strategy !== 'group' || inputs?.strategy !== 'group') return [];
  if (weights.groupSize === inputs.groupSize) return [];
  const { file, path } = weights.section;
  return [`${file}: ${path}.group_size is ${weights.groupSize}, that of the activations ${inputs.groupSize}`];
}
