import { type CheckpointMetadata, findQuantizationConfig, type JsonObject } from './checkpoint.ts';
import { ConfigError } from './errors/config-error.ts';

/** An object with settings: a whole file, or a part of one. */
export interface SettingsSource {
  readonly file: string;
  /** Where in the file, with its dot: `quantization_config.`. */
  readonly prefix: string;
  readonly value: JsonObject;
}

/** Where a value stood, as `ConfigError` wants it. */
export interface SettingPlace {
  readonly file: string;
  readonly field: string;
}

/** A value and where it stood. */
export interface FoundSetting<T> extends SettingPlace {
  readonly value: T;
}

export function placeOf({ file, field }: SettingPlace): SettingPlace {
  return { file, field };
}

/** Every place with settings: `config.json`, then the given files beside it, the most believed first. */
export function findSettings(
  { config, sideFiles }: Pick<CheckpointMetadata, 'config' | 'sideFiles'>,
  files: readonly string[],
): readonly SettingsSource[] {
  const embedded = findQuantizationConfig(config);
  const path = embedded?.source.slice(embedded.source.indexOf(' ') + 1);
  const inside = embedded ? [{ file: 'config.json', prefix: `${path}.`, value: embedded.value }] : [];
  const beside = files.flatMap((file) => {
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
export function readField<T>(sources: readonly SettingsSource[], reader: FieldReader<T>): FoundSetting<T> | undefined {
  const [first, ...others] = readAllFields(sources, reader);
  for (const other of others) {
    if (first && JSON.stringify(other.value) !== JSON.stringify(first.value)) throw disagreeingSettings(first, other);
  }
  return first;
}

/** Every occurrence of a setting, the most believed first. */
export function readAllFields<T>(
  sources: readonly SettingsSource[],
  reader: FieldReader<T>,
): readonly FoundSetting<T>[] {
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
export function requireField<T>(
  sources: readonly SettingsSource[],
  reader: FieldReader<T>,
  remedy?: string,
): FoundSetting<T> {
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

/** The error where two places say different things of one setting. */
export function disagreeingSettings<T>(first: FoundSetting<T>, other: FoundSetting<T>): ConfigError {
  return new ConfigError({
    ...placeOf(other),
    expected: `${JSON.stringify(first.value)}, as ${first.file}: ${first.field} says`,
    actual: other.value,
    remedy: 'Two places disagree and only one can fit the tensors: correct or delete the wrong one.',
  });
}

/** An integer of which more is asked. */
export function integerField<T extends number>(
  spellings: readonly string[],
  expected: string,
  fits: (value: number) => value is T,
): FieldReader<T> {
  const read = (value: unknown) => (Number.isSafeInteger(value) && fits(value as number) ? (value as T) : undefined);
  return { spellings, expected, read };
}

export function booleanField(...spellings: readonly string[]): FieldReader<boolean> {
  const read = (value: unknown) => (typeof value === 'boolean' ? value : undefined);
  return { spellings, expected: 'true or false', read };
}

/** One of some words, in any case. */
export function wordField<T extends string>(
  spellings: readonly string[],
  words: Readonly<Record<string, T>>,
): FieldReader<T> {
  return {
    spellings,
    expected: `one of ${Object.keys(words).join(', ')}`,
    read(value) {
      const word = typeof value === 'string' ? value.toLowerCase() : '';
      return Object.hasOwn(words, word) ? words[word] : undefined;
    },
  };
}
