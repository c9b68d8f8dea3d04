import { TensorError } from '@lowbit/core';

/** Tensors that hold the scales of an attention module's keys and values; one for both where the file has only that. */
export interface KvScaleNames {
  readonly key: string;
  readonly value: string;
  /** The scale of the values that should be there, where only the keys have one. */
  readonly missing?: string;
}

/** Today's spelling, that of older library versions, that of ModelOpt. */
const spellings = (letter: 'k' | 'v') => [
  `${letter}_scale`,
  `${letter}_proj.output_scale`,
  `${letter}_proj.${letter}_scale`,
];

/**
 * The scales of an attention module; undefined where it has none.
 * @throws TensorError for values that have a scale where the keys have none
 */
export function findKvScales(attention: string, tensors: { has(name: string): boolean }): KvScaleNames | undefined {
  const find = (names: readonly string[]) =>
    names.map((name) => `${attention}.${name}`).find((name) => tensors.has(name));
  const key = find(spellings('k'));
  const value = find(spellings('v'));
  if (key !== undefined) return value === undefined ? { key, value: key, missing: valueName(key) } : { key, value };
  const both = find(['kv_scale']);
  if (both !== undefined && value === undefined) return { key: both, value: both };
  if (value === undefined) return undefined;
  throw new TensorError({
    code: 'TENSOR_MISSING',
    tensor: `${attention}.k_scale`,
    expected: `a scale of the keys beside ${value}`,
    actual: 'no such tensor',
  });
}

/** `k_proj.k_scale` to `v_proj.v_scale`. */
function valueName(key: string): string {
  return key.replace(/k_(?=scale$)/, 'v_').replace(/k_(?=proj\.\w+$)/, 'v_');
}

const part = '_(?:scale|zero_point|global_scale)';
const cacheTensor = new RegExp(
  `^(.*)\\.(?:[kv]${part}|kv_(?:scale|zero_point)|[kv]_proj\\.output${part}|k_proj\\.k${part}|v_proj\\.v${part})$`,
);
const queryTensor = new RegExp(`^(.*)\\.(?:q${part}|q_proj\\.(?:output|q)${part})$`);

/** The attention module whose cache a tensor belongs to, if it does. */
export function attentionOfCacheTensor(name: string): string | undefined {
  return cacheTensor.exec(name)?.[1];
}

/** The attention module whose queries a tensor belongs to, if it does. */
export function attentionOfQueryTensor(name: string): string | undefined {
  return queryTensor.exec(name)?.[1];
}
