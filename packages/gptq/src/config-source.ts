import { type CheckpointMetadata, ConfigError, findQuantizationConfig, type JsonObject } from '@lowbit/core';

/** Files beside config.json that hold GPTQ settings, in the order in which they are believed. */
export const configFiles = ['quantize_config.json', 'quant_config.json', 'quantization_config.json'] as const;

/** An object with settings: a whole file, or a part of one. */
export interface ConfigSource {
  readonly file: string;
  /** Where in the file, with its dot: `quantization_config.`. */
  readonly prefix: string;
  readonly value: JsonObject;
}

/** Where a value stood, as `ConfigError` wants it. */
export interface Place {
  readonly file: string;
  readonly field: string;
}

/** A value and where it stood. */
export interface Found<T> extends Place {
  readonly value: T;
}

export function placeOf({ file, field }: Place): Place {
  return { file, field };
}

/** Every place with settings, the most believed first. */
export function findSources({ config, sideFiles }: CheckpointMetadata): readonly ConfigSource[] {
  const embedded = findQuantizationConfig(config);
  const path = embedded?.source.slice(embedded.source.indexOf(' ') + 1);
  const inside = embedded ? [{ file: 'config.json', prefix: `${path}.`, value: embedded.value }] : [];
  const beside = configFiles.flatMap((file) => {
    const value = sideFiles.get(file);
    return value ? [{ file, prefix: '', value }] : [];
  });
  return [...inside, ...beside];
}

/** How to read one setting: its spellings, and what a value means. */
export interface FieldReader<T> {
  readonly spellings: readonly string[];
  /** For messages: what a value should be. */
  readonly expected: string;
  /** Undefined: not a value of this setting. */
  read(value: unknown): T | undefined;
}

/**
 * A setting under any of its spellings in any of the sources; null counts as absent.
 * @throws ConfigError for a value that does not make sense, and where two places disagree, naming both
 */
export function readField<T>(sources: readonly ConfigSource[], reader: FieldReader<T>): Found<T> | undefined {
  const [first, ...others] = readAll(sources, reader);
  for (const other of others) if (first && other.value !== first.value) throw disagreement(first, other);
  return first;
}

/** Every occurrence of a setting, the most believed first. */
export function readAll<T>(sources: readonly ConfigSource[], reader: FieldReader<T>): readonly Found<T>[] {
  return sources.flatMap(({ file, prefix, value: object }) =>
    reader.spellings.flatMap((spelling) => {
      const raw = Object.hasOwn(object, spelling) ? object[spelling] : undefined;
      if (raw === undefined || raw === null) return [];
      const field = prefix + spelling;
      const value = reader.read(raw);
      if (value === undefined) throw new ConfigError({ file, field, expected: reader.expected, actual: raw });
      return [{ value, file, field }];
    }),
  );
}

/** @throws ConfigError naming the accepted spellings */
export function requireField<T>(sources: readonly ConfigSource[], reader: FieldReader<T>, remedy?: string): Found<T> {
  const found = readField(sources, reader);
  if (found) return found;
  const files = sources.map(({ file, prefix }) => (prefix ? `${file}: ${prefix.slice(0, -1)}` : file));
  throw new ConfigError({
    file: files.join(' and '),
    expected: `${reader.spellings.join(' or ')}, ${reader.expected}`,
    actual: undefined,
    remedy,
  });
}

export function disagreement<T>(first: Found<T>, other: Found<T>): ConfigError {
  return new ConfigError({
    ...placeOf(other),
    expected: `${JSON.stringify(first.value)}, as ${first.file}: ${first.field} says`,
    actual: other.value,
    remedy: 'Two places disagree and only one can fit the tensors: correct or delete the wrong one.',
  });
}
