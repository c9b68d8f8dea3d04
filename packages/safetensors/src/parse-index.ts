import { isJsonObject } from '@lowbit/core';
import { printable, SafetensorsError } from './safetensors-error.ts';
import { parseStrictJson } from './strict-json.ts';

/** Which file holds which tensor. */
export interface SafetensorsIndex {
  /** Names of the files, each once, in the order of their first tensor. */
  readonly shards: readonly string[];
  /** File by tensor name. */
  readonly shardOf: ReadonlyMap<string, string>;
}

/** As in Hugging Face's own JavaScript parser: a hundred times what the largest published models have. */
const maxShards = 10_000;

/**
 * Reads an index file (`model.safetensors.index.json`): `{ "weight_map": { "<tensor>": "<file>" } }`. Sizes in its
 * `metadata` are not looked at; writers count them in different ways.
 * @param file name of the index, for messages
 * @throws SafetensorsError
 */
export function parseSafetensorsIndex(json: Uint8Array, file: string): SafetensorsIndex {
  const fail = (expected: string, actual: string, tensor?: string) =>
    new SafetensorsError({ code: 'SAFETENSORS_INDEX', file, tensor, expected, actual });
  const { weight_map: weightMap } = parseStrictJson(json, file, 'SAFETENSORS_INDEX');
  if (!isJsonObject(weightMap)) throw fail('a weight_map of tensor names to file names', printable(weightMap));

  const shardOf = new Map<string, string>();
  const shards = new Set<string>();
  for (const [tensor, shard] of Object.entries(weightMap)) {
    if (typeof shard !== 'string' || !isShardName(shard)) {
      throw fail('the name of a .safetensors file beside the index', printable(shard), tensor);
    }
    shardOf.set(tensor, shard);
    shards.add(shard);
    if (shards.size > maxShards) throw fail(`at most ${maxShards} files`, 'more', tensor);
  }
  if (shards.size === 0) throw fail('at least one tensor', 'an empty weight_map');
  return { shards: [...shards], shardOf };
}

/** A plain file name: nothing that could lead out of the folder on any system. */
function isShardName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL and its like are what must not get through
  return name.endsWith('.safetensors') && !/[\\/:\u0000-\u001f]/.test(name);
}
