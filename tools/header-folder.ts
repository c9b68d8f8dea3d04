import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bitsOf, elementTypeOf, type TensorRef } from '@lowbit/core';
import type { ModelFolder } from '@lowbit/runtime';
import { type ByteSource, createByteSource, openFileSource, openSafetensors } from '@lowbit/safetensors';

/** A tensor without its bytes. */
export type Header = Pick<TensorRef, 'name' | 'dtype' | 'shape'>;

/** The headers of a checkpoint and the JSON files beside them, in memory: weights cannot be read from it. */
export interface HeaderFolder {
  readonly tensors: readonly Header[];
  /** The same folder with other tensors; those of `second` lie in a shard of their own. */
  with(tensors: readonly Header[], second?: readonly Header[]): ModelFolder;
}

export async function readHeaders(path: string): Promise<HeaderFolder> {
  const json = new Map<string, Uint8Array>();
  const names = readdirSync(path);
  for (const name of names) {
    if (name.endsWith('.json') && !name.endsWith('.index.json')) json.set(name, await readFile(join(path, name)));
  }
  const opened = await openSafetensors(
    { list: async () => names, open: (name) => openFileSource(join(path, name)) },
    { exclude: ['golden.safetensors'] },
  );
  const tensors = [...opened.tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  await opened.close();
  return {
    tensors,
    with(first, second = []) {
      const shards =
        second.length === 0 ? { 'model.safetensors': first } : { 'a.safetensors': first, 'b.safetensors': second };
      const sources = new Map<string, () => ByteSource>();
      for (const [name, bytes] of json) sources.set(name, () => createByteSource(bytes, name));
      for (const [name, headers] of Object.entries(shards)) sources.set(name, () => headerSource(headers));
      if (second.length > 0) {
        const weight_map = Object.fromEntries(
          Object.entries(shards).flatMap(([shard, headers]) => headers.map(({ name }) => [name, shard])),
        );
        const index = new TextEncoder().encode(JSON.stringify({ weight_map }));
        sources.set('model.safetensors.index.json', () => createByteSource(index));
      }
      return { path, list: async () => [...sources.keys()], open: async (name) => sources.get(name)!() };
    },
  };
}

/** A safetensors file that is as long as it must be and gives its header only. */
function headerSource(headers: readonly Header[]): ByteSource {
  let end = 0;
  const entries = headers.map(({ name, dtype, shape }) => {
    const start = end;
    end += Math.ceil((shape.reduce((product, size) => product * size, 1) * bitsOf(elementTypeOf(dtype))) / 8);
    return [name, { dtype, shape, data_offsets: [start, end] }];
  });
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const head = new Uint8Array(8 + json.length);
  new DataView(head.buffer).setBigUint64(0, BigInt(json.length), true);
  head.set(json, 8);
  const { read, close } = createByteSource(head, 'header');
  return { size: head.length + end, read, close };
}
