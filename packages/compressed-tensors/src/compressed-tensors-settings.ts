import { type CheckpointMetadata, ConfigError, findQuantizationConfig } from '@lowbit/core';
import { readModelFormat } from './compressed-tensors-format.ts';
import {
  type FieldReader,
  fieldError,
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
import { type NamedModule, type NameEntry, readEntries, targetFinder } from './targets.ts';
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
  /** The group whose target covers a module. */
  findScheme(module: NamedModule): QuantizationScheme | undefined;
  readonly ignore: readonly NameEntry[];
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
  warnings.push(...repeatedTargets(schemes, section));
  const kvCache = readSection(section, 'kv_cache_scheme');
  const versionText = readField(section, 'version', text);
  return {
    format,
    versionText,
    version: parseVersion(versionText),
    status: readField(section, 'quantization_status', status),
    schemes,
    findScheme: schemeFinder(schemes),
    ignore: readEntries(section, 'ignore') ?? [],
    kvCacheScheme: kvCache && readArgs(kvCache, warnings),
    section,
    warnings,
  };
}

/** A target that stands in two groups means the later one, as in the library. */
function schemeFinder(schemes: readonly QuantizationScheme[]): CompressedTensorsSettings['findScheme'] {
  const targets = [...schemes].reverse().flatMap((scheme) => scheme.targets.map((entry) => ({ entry, scheme })));
  const find = targetFinder(targets);
  return (module) => find(module)?.scheme;
}

function repeatedTargets(schemes: readonly QuantizationScheme[], { file, path }: Section): readonly string[] {
  const last = new Map(schemes.flatMap(({ name, targets }) => targets.map(({ text }) => [text, name] as const)));
  return schemes.flatMap(({ name, targets }) =>
    targets
      .filter(({ text }) => last.get(text) !== name)
      .map(
        ({ text }) =>
          `${file}: ${path}.config_groups: ${name} and ${last.get(text)} both target ${text}; the later one counts`,
      ),
  );
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
