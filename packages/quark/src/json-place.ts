import { ConfigError, isJsonObject, type JsonObject } from '@lowbit/core';

/** A JSON object of a configuration file and where it stands, for messages. */
export interface JsonPlace {
  readonly file: string;
  /** `quantization_config.global_quant_config` */
  readonly field: string;
  readonly value: JsonObject;
}

/** How to read one field. */
export interface FieldReader<T> {
  /** For messages: what a value should be. */
  readonly expected: string;
  /** Undefined: not a value of this field. */
  read(value: unknown): T | undefined;
}

/** The place of a field, as `ConfigError` wants it. */
export function placeOf({ file, field }: JsonPlace, key: string): { readonly file: string; readonly field: string } {
  return { file, field: `${field}.${key}` };
}

/**
 * A field's value; null counts as absent, as Quark writes null for whatever is not set.
 * @throws ConfigError for a value that the reader does not know
 */
export function readField<T>(at: JsonPlace, key: string, { expected, read }: FieldReader<T>): T | undefined {
  const raw = Object.hasOwn(at.value, key) ? at.value[key] : undefined;
  if (raw === undefined || raw === null) return undefined;
  const value = read(raw);
  if (value === undefined) throw new ConfigError({ ...placeOf(at, key), expected, actual: raw });
  return value;
}

/** `readField` for a field that must be there. */
export function requireField<T>(at: JsonPlace, key: string, reader: FieldReader<T>): T {
  const value = readField(at, key, reader);
  if (value !== undefined) return value;
  throw new ConfigError({ ...placeOf(at, key), expected: reader.expected, actual: at.value[key] });
}

/** The object under a field, as a place of its own. */
export function readPlace(at: JsonPlace, key: string): JsonPlace | undefined {
  const value = readField(at, key, object);
  return value && { ...placeOf(at, key), value };
}

/** A warning for each field that nobody reads. */
export function unknownFields({ file, field, value }: JsonPlace, known: ReadonlySet<string>): readonly string[] {
  return Object.keys(value)
    .filter((key) => !known.has(key))
    .map((key) => `${file}: ${field}.${key}: unknown field, not read`);
}

const object: FieldReader<JsonObject> = {
  expected: 'an object or null',
  read: (value) => (isJsonObject(value) ? value : undefined),
};

export const boolean: FieldReader<boolean> = {
  expected: 'true, false or null',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
};

export const integer: FieldReader<number> = {
  expected: 'an integer or null',
  read: (value) => (Number.isSafeInteger(value) ? (value as number) : undefined),
};

export const names: FieldReader<readonly string[]> = {
  expected: 'a list of names or null',
  read: (value) =>
    Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry !== '') ? value : undefined,
};

/** One of some words, in any case; `words` maps spellings to what they mean. */
export function oneOf<T>(words: Readonly<Record<string, T>>): FieldReader<T> {
  return {
    expected: `one of ${Object.keys(words).join(', ')}`,
    read(value) {
      const word = typeof value === 'string' ? value.toLowerCase() : '';
      return Object.hasOwn(words, word) ? words[word] : undefined;
    },
  };
}
