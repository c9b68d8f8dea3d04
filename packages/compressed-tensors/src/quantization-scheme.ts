import { isJsonObject, RefusedError } from '@lowbit/core';
import { readGroupFormat, type StorageFormat } from './compressed-tensors-format.ts';
import { fieldError, names, readField, readSection, type Section, unknownFields } from './config-section.ts';
import { presetOf } from './presets.ts';
import { type QuantizationArgs, readArgs } from './quantization-args.ts';
import { checkTargets, isAttentionTarget } from './targets.ts';

/** One entry of `config_groups`: how the modules that its targets name are quantized. */
export interface QuantizationScheme {
  /** Its key in `config_groups`. */
  readonly name: string;
  readonly targets: readonly string[];
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
  const targets = readField(section, 'targets', names);
  if (!targets) throw fieldError(section, 'targets', names.expected);
  checkTargets(section, 'targets', targets);
  const args = (field: string) => {
    const inner = readSection(section, field);
    return inner && readArgs(inner, warnings);
  };
  const weights = args('weights');
  const inputActivations = args('input_activations');
  const outputActivations = args('output_activations');
  if (inputActivations) checkActivations(inputActivations);
  if (outputActivations) rejectActorder(outputActivations);
  if (targets.some(isAttentionTarget)) checkAttentionScheme({ weights, inputActivations, outputActivations, section });
  if (outputActivations) throw refusedOutputs(outputActivations);
  warnings.push(...differentGroups(weights, inputActivations));
  const format = readGroupFormat(section) ?? modelFormat;
  return {
    name,
    targets,
    ...(weights ? { weights } : {}),
    ...(inputActivations ? { inputActivations } : {}),
    ...(format ? { format } : {}),
    section,
  };
}

/** `{"W4A16": ["Linear"]}` stands for the preset's arguments with these targets. */
function expandPreset({ file, path, value }: Section, name: string): Section {
  const group = value[name];
  const section = { file, path: `${path}.${name}` };
  if (isJsonObject(group)) return { ...section, value: group };
  const preset = Array.isArray(group) ? presetOf(name) : undefined;
  if (preset) return { ...section, value: { targets: group, ...preset } };
  const expected = Array.isArray(group) ? 'the name of a preset, as W4A16 or FP8_DYNAMIC' : 'an object';
  throw fieldError({ file, path, value }, name, expected);
}

function checkActivations(args: QuantizationArgs): void {
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

/**
 * Attention modules have no weight of their own: what is quantized is what goes in, queries, keys and values.
 * @throws ConfigError
 */
export function checkAttentionScheme({
  weights,
  inputActivations,
  outputActivations,
  section,
}: Pick<QuantizationScheme, 'section'> & {
  readonly weights: QuantizationArgs | undefined;
  readonly inputActivations: QuantizationArgs | undefined;
  readonly outputActivations?: QuantizationArgs | undefined;
}): void {
  if (weights) throw fieldError(section, 'weights', 'null: the targets name attention modules, which have no weight');
  if (outputActivations) throw fieldError(section, 'output_activations', 'null: the targets name attention modules');
  if (!inputActivations) {
    throw fieldError(section, 'input_activations', 'an object: the targets name attention modules');
  }
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
