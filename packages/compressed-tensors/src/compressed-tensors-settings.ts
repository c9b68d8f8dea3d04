import { type CheckpointMetadata, ConfigError, findQuantizationConfig } from '@lowbit/core';
import { readModelFormat } from './compressed-tensors-format.ts';
import {
  type FieldReader,
  fieldError,
  names,
  oneOf,
  readField,
  readSection,
  type Section,
  text,
  unknownFields,
} from './config-section.ts';
import { type QuantizationArgs, readArgs } from './quantization-args.ts';
import { type QuantizationScheme, readSchemes } from './quantization-scheme.ts';
import { refuseRunTimeExtensions } from './refused-fields.ts';
import { checkSparsity } from './sparsity-config.ts';
import { checkTargets } from './targets.ts';
import { checkTransforms } from './transform-config.ts';
import type { LibraryVersion } from './word-packing.ts';

/** The settings of a checkpoint in one spelling. */
export interface CompressedTensorsSettings {
  readonly format: string | undefined;
  /** As the file spells it. */
  readonly versionText: string | undefined;
  readonly version: LibraryVersion | undefined;
  readonly status: string | undefined;
  readonly schemes: readonly QuantizationScheme[];
  readonly ignore: readonly string[];
  readonly kvCacheScheme: QuantizationArgs | undefined;
  /** The settings as they stand in the file. */
  readonly section: Section;
  readonly warnings: readonly string[];
}

const quantMethod = oneOf(['compressed-tensors', 'compressed_tensors']);
const status = oneOf(['initialized', 'calibration', 'frozen', 'compressed', 'decompressed']);
const ratio: FieldReader<number> = {
  expected: 'a number or null',
  read: (value) => (typeof value === 'number' ? value : undefined),
};

const known = [
  ...['quant_method', 'version', 'format', 'quantization_status', 'config_groups', 'ignore', 'kv_cache_scheme'],
  ...['sparsity_config', 'transform_config', 'linear_fp8_config', 'moe_sparsity_config'],
  // Says how much was saved; obsolete; names of fused modules, where a run may join them.
  ...['global_compression_ratio', 'run_compressed', 'packed_modules_mapping'],
];

/**
 * @throws ConfigError for settings that are missing, malformed or contradictory; RefusedError for features that are not
 * supported
 */
export function readSettings({ config }: CheckpointMetadata): CompressedTensorsSettings {
  const section = findSection(config);
  const warnings: string[] = [];
  warnings.push(...unknownFields(section, known));
  readField(section, 'quant_method', quantMethod);
  readField(section, 'global_compression_ratio', ratio);
  refuseRunTimeExtensions(section);
  checkSparsity(section, warnings);
  checkTransforms(section, warnings);
  const format = readModelFormat(section);
  const groups = readSection(section, 'config_groups');
  if (!groups) throw fieldError(section, 'config_groups', 'an object of groups, or of presets with their targets');
  const schemes = readSchemes(groups, format === 'mixed-precision' ? undefined : format, warnings);
  const ignore = readField(section, 'ignore', names) ?? [];
  checkTargets(section, 'ignore', ignore);
  const kvCache = readSection(section, 'kv_cache_scheme');
  const versionText = readField(section, 'version', text);
  return {
    format,
    versionText,
    version: parseVersion(versionText),
    status: readField(section, 'quantization_status', status),
    schemes,
    ignore,
    kvCacheScheme: kvCache && readArgs(kvCache, warnings),
    section,
    warnings,
  };
}

function findSection(config: CheckpointMetadata['config']): Section {
  const embedded = findQuantizationConfig(config);
  if (!embedded) {
    throw new ConfigError({
      file: 'config.json',
      field: 'quantization_config',
      expected: 'the settings of a compressed-tensors checkpoint',
      actual: undefined,
    });
  }
  const [file = '', path = ''] = embedded.source.split(': ');
  return { file, path, value: embedded.value };
}

function parseVersion(version: string | undefined): LibraryVersion | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  return major === undefined || minor === undefined ? undefined : [Number(major), Number(minor)];
}
