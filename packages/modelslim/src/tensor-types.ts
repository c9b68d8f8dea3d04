import { ConfigError, type JsonObject } from '@lowbit/core';
import { attachedTypes, floatTypes, refusedType } from './quant-types.ts';
import { quantizedTypes } from './schemes/linear-schemes.ts';

/** Type strings of a module's tensors, by the last segment of their names: `weight`, `quant_bias`. */
export type TensorTypes = ReadonlyMap<string, string>;

/** The tensor entries of a description, by module. */
export type ModuleTypes = ReadonlyMap<string, TensorTypes>;

const readTypes = [...floatTypes, ...quantizedTypes];

/**
 * Every entry whose key is a tensor's name: keys with a dot that are none of `.quant_type`, which is said of attention.
 * @throws ConfigError for a type that nobody knows
 */
export function readTensorTypes(file: string, value: JsonObject): ModuleTypes {
  const modules = new Map<string, Map<string, string>>();
  for (const [key, type] of Object.entries(value)) {
    if (!isTensorKey(key)) continue;
    if (typeof type !== 'string' || !isKnown(type)) {
      throw new ConfigError({ file, field: key, expected: `a type: ${readTypes.join(', ')}`, actual: type });
    }
    const dot = key.lastIndexOf('.');
    const types = modules.get(key.slice(0, dot)) ?? new Map<string, string>();
    types.set(key.slice(dot + 1), type);
    modules.set(key.slice(0, dot), types);
  }
  return modules;
}

export function isTensorKey(key: string): boolean {
  return key.includes('.') && !isAttentionKey(key);
}

/** `<attention>.quant_type`: how queries, keys, values and probabilities are quantized. */
export function isAttentionKey(key: string): boolean {
  return key.endsWith('.quant_type');
}

function isKnown(type: string): boolean {
  return readTypes.includes(type) || attachedTypes.includes(type) || refusedType(type) !== undefined;
}

/** Names under which a module may stand in the description, its own first: engines rename blocks of experts. */
export function entryNames(module: string): readonly string[] {
  const swaps = [
    ['.mlp.shared_experts', '.block_sparse_moe.shared_experts'],
    ['.mlp.experts', '.block_sparse_moe.experts'],
  ] as const;
  const renamed = swaps.flatMap(([one, other]) => [
    ...(module.includes(one) ? [module.replace(one, other)] : []),
    ...(module.includes(other) ? [module.replace(other, one)] : []),
  ]);
  return [module, ...renamed];
}
