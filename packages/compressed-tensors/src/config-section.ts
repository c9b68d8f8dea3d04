import { ConfigError, isJsonObject, type JsonObject } from '@lowbit/core';

/** One object of a configuration file, and where it stands. */
export interface Section {
  readonly file: string;
  /** `quantization_config.config_groups.group_0` */
  readonly path: string;
  readonly value: JsonObject;
}

/** How to read one setting. */
export interface FieldReader<T> {
  /** For messages: what a value should be. */
  readonly expected: string;
  /** Undefined: not a value of this setting. */
  read(value: unknown): T | undefined;
}

/**
 * A setting; undefined where it is absent or null, which mean the same.
 * @throws ConfigError for a value that is none of this setting's
 */
export function readField<T>(section: Section, field: string, reader: FieldReader<T>): T | undefined {
  const raw = fieldOf(section, field);
  if (raw === undefined || raw === null) return undefined;
  const value = reader.read(raw);
  if (value === undefined) throw fieldError(section, field, reader.expected);
  return value;
}

/** The object under a field; undefined where it is absent or null. */
export function readSection(section: Section, field: string): Section | undefined {
  const value = readField(section, field, object);
  return value && { file: section.file, path: `${section.path}.${field}`, value };
}

export function fieldError(section: Section, field: string, expected: string, remedy?: string): ConfigError {
  const actual = fieldOf(section, field);
  return new ConfigError({ file: section.file, field: `${section.path}.${field}`, expected, actual, remedy });
}

/** One line for each field that nobody reads. */
export function unknownFields({ file, path, value }: Section, known: readonly string[]): readonly string[] {
  return Object.keys(value)
    .filter((key) => !known.includes(key))
    .map((key) => `${file}: ${path}.${key}: unknown field, not read`);
}

function fieldOf({ value }: Section, field: string): unknown {
  return Object.hasOwn(value, field) ? value[field] : undefined;
}

const object: FieldReader<JsonObject> = {
  expected: 'an object or null',
  read: (value) => (isJsonObject(value) ? value : undefined),
};

export const boolean: FieldReader<boolean> = {
  expected: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
};

export const text: FieldReader<string> = {
  expected: 'a string',
  read: (value) => (typeof value === 'string' ? value : undefined),
};

export const names: FieldReader<readonly string[]> = {
  expected: 'a list of names',
  read: (value) => (Array.isArray(value) && value.every((entry) => typeof entry === 'string') ? value : undefined),
};

/** One of some words, in any case. */
export function oneOf<Word extends string>(words: readonly Word[]): FieldReader<Word> {
  return {
    expected: `one of ${words.join(', ')}`,
    read: (value) => (typeof value === 'string' ? words.find((word) => word === value.toLowerCase()) : undefined),
  };
}
