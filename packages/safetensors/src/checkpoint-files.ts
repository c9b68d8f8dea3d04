import type { ByteSource } from './byte-source.ts';
import { SafetensorsError } from './safetensors-error.ts';

/** The files of a checkpoint folder, wherever they lie. */
export interface CheckpointFiles {
  /** Names of the files directly in the folder. */
  list(): Promise<readonly string[]>;
  open(name: string): Promise<ByteSource>;
}

/** The weights of a folder: an index with its shards, or a single file. */
export type WeightFiles = { readonly index: string } | { readonly single: string };

const indexEnding = '.safetensors.index.json';
const fileEnding = '.safetensors';

/**
 * Finds the weights among the names of a folder: `model.safetensors.index.json`, else the one index; without an index
 * `model.safetensors`; without that, the one safetensors file.
 * @throws SafetensorsError SAFETENSORS_FILES where none or several would do
 */
export function findWeightFiles(names: readonly string[]): WeightFiles {
  const indexes = names.filter((name) => name.endsWith(indexEnding)).sort();
  const index = indexes.includes(`model${indexEnding}`) ? `model${indexEnding}` : indexes[0];
  if (index !== undefined && (indexes.length === 1 || index.startsWith('model.'))) return { index };
  if (index !== undefined) {
    throw new SafetensorsError({
      code: 'SAFETENSORS_FILES',
      file: `*${indexEnding}`,
      expected: 'one index',
      actual: indexes.join(', '),
      remedy: 'Keep the index of the weights to load; move the others away.',
    });
  }
  const files = names.filter((name) => name.endsWith(fileEnding)).sort();
  const single = files.includes('model.safetensors') ? 'model.safetensors' : files[0];
  if (single === undefined) {
    throw new SafetensorsError({
      code: 'SAFETENSORS_FILES',
      file: `*${fileEnding}`,
      expected: 'the weights of the checkpoint',
      actual: 'no such file',
      remedy: 'Only safetensors are read: .bin, .pt and .gguf files are not.',
    });
  }
  if (files.length > 1 && single !== 'model.safetensors') {
    throw new SafetensorsError({
      code: 'SAFETENSORS_FILES',
      file: `*${fileEnding}`,
      expected: 'model.safetensors, a single file, or an index',
      actual: files.join(', '),
      remedy: `Download the index (*${indexEnding}) that says which of these files hold the weights.`,
    });
  }
  return { single };
}
