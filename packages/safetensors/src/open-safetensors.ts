import type { TensorBytes, TensorRef } from '@lowbit/core';
import type { ByteSource } from './byte-source.ts';
import { type CheckpointFiles, findWeightFiles } from './checkpoint-files.ts';
import { parseSafetensorsHeader, type SafetensorsHeader } from './parse-header.ts';
import { parseSafetensorsIndex } from './parse-index.ts';
import { printable, SafetensorsError } from './safetensors-error.ts';
import { createSourcePool, type SourcePool } from './source-pool.ts';

/** One file, its header read. The source stays the caller's to close. */
export interface SafetensorsFile extends SafetensorsHeader, TensorBytes {}

/**
 * Reads the header of one file.
 * @param file its name, for references and messages
 * @throws SafetensorsError
 */
export async function openSafetensorsFile(source: ByteSource, file: string): Promise<SafetensorsFile> {
  const header = await parseSafetensorsHeader(source, file);
  return {
    ...header,
    async read(ref) {
      checkFile(ref, new Set([file]));
      return source.read(ref.start, ref.end);
    },
  };
}

/** All weights of a checkpoint folder, headers read and nothing else. */
export interface Safetensors extends TensorBytes {
  /** Every tensor by name. */
  readonly tensors: ReadonlyMap<string, TensorRef>;
  close(): Promise<void>;
}

export interface OpenSafetensorsOptions {
  /** Files of the folder that are not its weights. */
  readonly exclude?: readonly string[];
}

/** Larger than any header, because one index names the tensors of all files; read as a whole. */
const maxIndexBytes = 100_000_000;

/**
 * Opens the weights of a folder: those that its one index lists, else `model.safetensors`, else its one safetensors file.
 * Index and shards must agree on every tensor.
 * @throws SafetensorsError
 */
export async function openSafetensors(
  files: CheckpointFiles,
  options: OpenSafetensorsOptions = {},
): Promise<Safetensors> {
  const exclude = options.exclude ?? [];
  const names = (await files.list()).filter((name) => !exclude.includes(name));
  const weights = findWeightFiles(names);
  const pool = createSourcePool((file) => files.open(file));
  try {
    const tensors =
      'index' in weights
        ? await readShards(pool, names, weights.index)
        : (await pool.use(weights.single, (source) => parseSafetensorsHeader(source, weights.single))).tensors;
    const known = new Set(Array.from(tensors.values(), ({ file }) => file));
    return {
      tensors,
      async read(ref) {
        checkFile(ref, known);
        return pool.use(ref.file, (source) => source.read(ref.start, ref.end));
      },
      close: () => pool.close(),
    };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

async function readShards(
  pool: SourcePool,
  names: readonly string[],
  indexFile: string,
): Promise<ReadonlyMap<string, TensorRef>> {
  const index = parseSafetensorsIndex(await pool.use(indexFile, (source) => readIndex(source, indexFile)), indexFile);
  const present = new Set(names);
  const missing = index.shards.filter((shard) => !present.has(shard));
  if (missing.length > 0) {
    throw new SafetensorsError({
      code: 'SAFETENSORS_INDEX',
      file: indexFile,
      expected: `${index.shards.length} files in the folder`,
      actual: `${missing.length} missing: ${missing.slice(0, 5).map(printable).join(', ')}`,
      remedy: 'Download the missing files.',
    });
  }
  const tensors = new Map<string, TensorRef>();
  for (const shard of index.shards) {
    const header = await pool.use(shard, (source) => parseSafetensorsHeader(source, shard));
    for (const ref of header.tensors.values()) {
      const named = index.shardOf.get(ref.name);
      if (named === undefined) throw disagreement(ref.name, shard, `to be named in ${indexFile}`, 'only in the file');
      if (named !== shard) throw disagreement(ref.name, shard, `to be in ${named}, as ${indexFile} says`, 'here');
      tensors.set(ref.name, ref);
    }
  }
  for (const [tensor, shard] of index.shardOf) {
    if (!tensors.has(tensor)) throw disagreement(tensor, shard, `to be here, as ${indexFile} says`, 'no such tensor');
  }
  return tensors;
}

function disagreement(tensor: string, file: string, expected: string, actual: string): SafetensorsError {
  const remedy = 'Index and files do not belong together, or a download mixed two versions: download them again.';
  return new SafetensorsError({ code: 'SAFETENSORS_INDEX', file, tensor, expected, actual, remedy });
}

async function readIndex(source: ByteSource, file: string): Promise<Uint8Array> {
  if (source.size <= maxIndexBytes) return source.read(0, source.size);
  throw new SafetensorsError({
    code: 'SAFETENSORS_INDEX',
    file,
    expected: `at most ${maxIndexBytes} bytes`,
    actual: `${source.size} bytes`,
  });
}

/** Keeps references made by others from opening files that are not the checkpoint's. */
function checkFile({ name, file }: TensorRef, known: ReadonlySet<string>): void {
  if (known.has(file)) return;
  throw new SafetensorsError({
    code: 'SAFETENSORS_FILE',
    file,
    tensor: name,
    expected: `one of the checkpoint's ${known.size} files`,
    actual: 'another file',
  });
}
