import {
  type CheckpointMetadata,
  ConfigError,
  type FoundSetting,
  findSettings,
  placeOf,
  RefusedError,
  readAllFields,
  readField,
  requireField,
  type SettingPlace,
  type SettingsSource,
} from '@lowbit/core';
import { type AwqBits, fields, knownFields } from './awq-fields.ts';
import { checkFormat, readFormat } from './awq-format.ts';
import type { AwqFormat } from './awq-layout.ts';
import { configFiles } from './config-files.ts';

/** The settings of a checkpoint in one spelling. */
export interface AwqSettings {
  readonly format: AwqFormat;
  readonly bits: AwqBits;
  /** -1: one group spans all input features. */
  readonly groupSize: number;
  readonly zeroPoint: boolean;
  /** Symmetric, and the file has no table of zero points at all: the middle of the range is meant. */
  readonly middleZero: boolean;
  /** Substrings of module names. */
  readonly modulesToNotConvert: readonly string[];
  /** What the file says of its head, if anything. */
  readonly quantizedHead: boolean | undefined;
  /** Where settings stood that later checks may have to blame. */
  readonly places: { readonly groupSize: SettingPlace; readonly modulesToNotConvert: SettingPlace | undefined };
  readonly warnings: readonly string[];
}

/**
 * @throws ConfigError for settings that are missing, malformed or contradictory; RefusedError for layouts and overrides
 * that are not supported
 */
export function readSettings(checkpoint: CheckpointMetadata): AwqSettings {
  const sources = findSettings(checkpoint, configFiles);
  if (sources.length === 0) {
    throw new ConfigError({
      file: 'config.json',
      field: 'quantization_config',
      expected: 'the settings of an AWQ checkpoint, here or in quantize_config.json or quant_config.json',
      actual: undefined,
    });
  }
  readField(sources, fields.method);
  const bits = requireField(sources, fields.bits);
  const groupSize = requireField(sources, fields.groupSize);
  const warnings: string[] = [];
  const zeroPoint = readZeroPoint(sources, warnings);
  const format = readFormat(sources, warnings);
  checkFormat(format, bits, groupSize, sources);
  readField(sources, fields.dataType);
  checkDynamic(sources);
  const skips = readAllFields(sources, fields.modulesToNotConvert);
  warnings.push(...disagreeingSkips(skips), ...unknownFields(sources));
  return {
    format: format.value,
    bits: bits.value,
    groupSize: groupSize.value,
    zeroPoint,
    middleZero: !zeroPoint && ![...checkpoint.tensors.keys()].some((name) => /\.(qzeros|scaled_zeros)$/.test(name)),
    modulesToNotConvert: skips[0]?.value ?? [],
    quantizedHead: readField(sources, fields.head)?.value,
    places: { groupSize: placeOf(groupSize), modulesToNotConvert: skips[0] && placeOf(skips[0]) },
    warnings,
  };
}

function readZeroPoint(sources: readonly SettingsSource[], warnings: string[]): boolean {
  const symmetric = readField(sources, fields.symmetric);
  const zeroPoint = readField(sources, fields.zeroPoint);
  if (!zeroPoint) {
    if (symmetric) return !symmetric.value;
    return requireField(sources, { ...fields.zeroPoint, spellings: ['zero_point', 'sym (negated)'] }).value;
  }
  if (symmetric && symmetric.value === zeroPoint.value) {
    warnings.push(
      `${zeroPoint.file}: ${zeroPoint.field} is ${zeroPoint.value} and ${symmetric.file}: ${symmetric.field} is ${symmetric.value}, which contradict each other; zero_point counts`,
    );
  }
  return zeroPoint.value;
}

/** Overrides per module. Those that only leave modules out (`-:`) are harmless: the tensors show what was left out. */
function checkDynamic(sources: readonly SettingsSource[]): void {
  for (const { value, file, field } of readAllFields(sources, fields.dynamic)) {
    const overrides = value.filter((pattern) => !pattern.startsWith('-:'));
    if (overrides.length === 0) continue;
    throw new RefusedError({
      message: `${file}: ${field}: settings that differ between modules are not supported`,
      refusals: [{ by: 'awq', code: 'DYNAMIC', message: `overrides for ${overrides.join(', ')}` }],
    });
  }
}

function disagreeingSkips([first, ...others]: readonly FoundSetting<readonly string[]>[]): readonly string[] {
  return others
    .filter(({ value }) => JSON.stringify(value) !== JSON.stringify(first?.value))
    .map(({ file, field }) => `${file}: ${field} differs from ${first?.file}: ${first?.field}, which counts`);
}

function unknownFields(sources: readonly SettingsSource[]): readonly string[] {
  return sources.flatMap(({ file, prefix, value }) =>
    Object.keys(value)
      .filter((key) => !knownFields.has(key))
      .map((key) => `${file}: ${prefix}${key}: unknown field, not read`),
  );
}
