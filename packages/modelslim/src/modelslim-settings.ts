import { type CheckpointMetadata, ConfigError, compilePattern, type JsonObject, LowbitError } from '@lowbit/core';
import { checkFields, isKnownField } from './description-fields.ts';
import { findDescription } from './description-file.ts';
import { isAttentionKey, isTensorKey, type ModuleTypes, readTensorTypes } from './tensor-types.ts';

/** A checkpoint's description, read. */
export interface ModelSlimSettings {
  readonly file: string;
  readonly modules: ModuleTypes;
  readonly modelType: string | null;
  readonly version: string | null;
  /** As the file has it; 0 where it has none. */
  readonly groupSize: number;
  readonly kvCacheType: string | null;
  readonly quantizedAttention: boolean;
  /** Does the `ignore` list cover a module? */
  readonly ignores: (module: string) => boolean;
  readonly warnings: readonly string[];
}

/** @throws ConfigError for a description that is missing, malformed or contradicts itself */
export function readSettings(checkpoint: CheckpointMetadata): ModelSlimSettings {
  const { file, value, others } = findDescription(checkpoint);
  checkFields(file, value);
  const modules = readTensorTypes(file, value);
  const version = stringOf(value.version);
  const types = [...modules.values()].flatMap((ofModule) => [...ofModule.values()]);
  const quantizesAttention = types.some((type) => /^FAK?Quant$/.test(type));
  return {
    file,
    modules,
    modelType: stringOf(value.model_quant_type),
    version,
    groupSize: typeof value.group_size === 'number' ? value.group_size : 0,
    kvCacheType: stringOf(value.kv_cache_type) ?? stringOf(value.kv_quant_type),
    quantizedAttention: isString(value.fa_quant_type) || Object.keys(value).some(isAttentionKey) || quantizesAttention,
    ignores: readIgnore(file, value.ignore),
    warnings: [
      ...others.map((other) => `${other}: not read, as ${file} stands beside it`),
      ...(version === null || version === '1.0.0'
        ? []
        : [`${file}: version ${version}, only 1.0.0 and older are known`]),
      ...unknownFields(file, value),
      ...unlisted(file, modules, checkpoint),
      ...absent(file, modules, checkpoint),
    ],
  };
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function stringOf(value: unknown): string | null {
  return isString(value) ? value : null;
}

/** Names, and regular expressions after `re:`. Only SGLang reads this list. */
function readIgnore(file: string, value: unknown): (module: string) => boolean {
  const patterns = (Array.isArray(value) ? (value as string[]) : []).map((text) => {
    try {
      return compilePattern(text.startsWith('re:') ? { kind: 'regex', text: text.slice(3) } : { kind: 'exact', text });
    } catch (cause) {
      if (!LowbitError.isInstance(cause)) throw cause;
      throw new ConfigError({ file, field: 'ignore', expected: cause.message, actual: text, cause });
    }
  });
  return (module) => patterns.some((matches) => matches(module));
}

function unknownFields(file: string, value: JsonObject): readonly string[] {
  return Object.keys(value)
    .filter((key) => !isTensorKey(key) && !isKnownField(key))
    .map((key) => `${file}: ${key}: unknown field, not read`);
}

/** Weights without an entry; a linear among them is an error once it is asked for. */
function unlisted(file: string, modules: ModuleTypes, { tensors }: CheckpointMetadata): readonly string[] {
  const names = [...tensors.keys()].filter((name) => {
    const dot = name.lastIndexOf('.');
    return !modules.get(name.slice(0, dot))?.has(name.slice(dot + 1)) && !name.includes('_rotation');
  });
  return names.length === 0 ? [] : [`${file}: no entry for ${someOf(names)}`];
}

/** Entries that name no tensor: of layers that were cut away. A module that is run must have all of its own. */
function absent(file: string, modules: ModuleTypes, { tensors }: CheckpointMetadata): readonly string[] {
  const names = [...modules].flatMap(([module, types]) =>
    [...types.keys()].map((suffix) => `${module}.${suffix}`).filter((name) => !tensors.has(name)),
  );
  return names.length === 0 ? [] : [`${file}: the checkpoint has no ${someOf(names)}`];
}

function someOf([first, ...others]: readonly string[]): string {
  return others.length === 0 ? `${first}` : `${first} and ${others.length} more`;
}
