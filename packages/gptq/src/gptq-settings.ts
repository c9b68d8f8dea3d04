import {
  type CheckpointMetadata,
  ConfigError,
  findSettings,
  RefusedError,
  readAllFields,
  readField,
  requireField,
  type SettingsSource,
} from '@lowbit/core';
import { checkScheme, readExtraConfig } from './auto-round.ts';
import { configFiles } from './config-files.ts';
import { readDynamic } from './dynamic-rules.ts';
import { fields } from './gptq-fields.ts';
import { readFormat } from './gptq-format.ts';
import type { GptqFormat } from './gptq-layout.ts';
import { knownFields, refusedFields } from './known-fields.ts';
import type { ModuleRule } from './module-rules.ts';
import { supportedBits, type WeightSettings } from './weight-settings.ts';

/** The settings of a checkpoint in one spelling. */
export interface GptqSettings {
  readonly writtenBy: 'gptq' | 'auto-round';
  readonly format: GptqFormat;
  /** Some module has a `g_idx`: then every quantized one has. */
  readonly indexed: boolean;
  /** Of modules that no rule covers. */
  readonly weights: WeightSettings;
  readonly rules: readonly ModuleRule[];
  /** Names inside a block; other modules are left unquantized. */
  readonly modulesInBlock: readonly string[] | undefined;
  /** What the file says of its head, if anything. */
  readonly quantizedHead: boolean | undefined;
  readonly warnings: readonly string[];
}

/**
 * @throws ConfigError for settings that are missing, malformed or contradictory; RefusedError for layouts and schemes
 * that are not supported
 */
export function readSettings(checkpoint: CheckpointMetadata): GptqSettings {
  const sources = findSettings(checkpoint, configFiles);
  if (sources.length === 0) {
    throw new ConfigError({
      file: 'config.json',
      field: 'quantization_config',
      expected: 'the settings of a GPTQ checkpoint, here or in quantize_config.json',
      actual: undefined,
    });
  }
  const warnings: string[] = [];
  const format = readFormat(sources);
  const writtenBy = readField(sources, fields.method)?.value === 'auto-round' ? 'auto-round' : 'gptq';
  checkScheme(sources);
  refuseFields(sources);
  const indexed = [...checkpoint.tensors.keys()].some((name) => name.endsWith('.g_idx'));
  // The index says more than the flag; without either nobody knows.
  const weights = readWeights(sources, writtenBy === 'gptq' && !indexed);
  const rules = [...readDynamic(sources, warnings), ...readExtraConfig(sources, warnings)];
  const [modulesInBlock] = readAllFields(sources, fields.modulesInBlock);
  warnings.push(...unknownFields(sources));
  return {
    writtenBy,
    format,
    indexed,
    weights,
    rules,
    modulesInBlock: modulesInBlock?.value,
    quantizedHead: readField(sources, fields.head)?.value,
    warnings,
  };
}

function readWeights(sources: readonly SettingsSource[], descActNeeded: boolean): WeightSettings {
  const bits = requireField(sources, fields.bits);
  const groupSize = requireField(sources, fields.groupSize, 'Writers disagree on what its absence means.');
  const remedy = 'Writers disagree on what its absence means, and no module has a g_idx.';
  const descAct = descActNeeded ? requireField(sources, fields.descAct, remedy) : readField(sources, fields.descAct);
  return {
    bits: supportedBits(bits),
    groupSize,
    descAct: descAct?.value ?? false,
    symmetric: readField(sources, fields.symmetric)?.value,
  };
}

/** Fields that change what the weights mean, or add to them. */
function refuseFields(sources: readonly SettingsSource[]): void {
  for (const { file, prefix, value } of sources) {
    for (const [field, message] of Object.entries(refusedFields)) {
      const found = Object.hasOwn(value, field) ? value[field] : undefined;
      if (found === undefined || found === null || found === false || JSON.stringify(found) === '{}') continue;
      throw new RefusedError({
        message: `${file}: ${prefix}${field}: not supported`,
        refusals: [{ by: 'gptq', code: 'SETTING', message }],
      });
    }
  }
}

function unknownFields(sources: readonly SettingsSource[]): readonly string[] {
  return sources.flatMap(({ file, prefix, value }) =>
    Object.entries(value)
      .filter(([key, found]) => found !== null && !knownFields.has(key))
      .map(([key]) => `${file}: ${prefix}${key}: unknown field, not read`),
  );
}
