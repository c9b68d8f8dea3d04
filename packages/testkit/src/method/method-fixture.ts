import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CheckpointMetadata, JsonObject, ModuleSpec, TensorBytes } from '@lowbit/core';
import { openFileSource, openSafetensors, openSafetensorsFile } from '@lowbit/safetensors';
import { decoderModules } from './decoder-modules.ts';

/**
 * A small checkpoint as its library wrote it, and the weights that the library computes from it, beside it:
 * `golden.safetensors` with `weight.<module>` F32 `[out, in]`, and `golden.json` with `weight_sha256`, by module the
 * SHA-256 of the same numbers as little-endian f32 bytes. At least one weight must be recorded.
 */
export interface MethodFixture {
  /** The folder. */
  readonly path: string | URL;
  /** Absent: those of a Llama-like decoder, by `config.json`. */
  readonly modules?: readonly ModuleSpec[];
}

/** A fixture, opened. */
export interface LoadedFixture {
  readonly metadata: CheckpointMetadata;
  readonly modules: readonly ModuleSpec[];
  readonly bytes: TensorBytes;
  /** Recorded weights by module: as f32 bytes, or their SHA-256 in hexadecimal. */
  readonly recorded: ReadonlyMap<string, RecordedWeight>;
  close(): Promise<void>;
}

export interface RecordedWeight {
  readonly bytes?: Uint8Array;
  readonly sha256?: string;
}

const goldenWeights = 'golden.safetensors';
const goldenNumbers = 'golden.json';

export function fixtureName({ path }: MethodFixture): string {
  return basename(folderOf(path));
}

/** @throws Error, LowbitError where the folder does not hold what it should */
export async function loadFixture(fixture: MethodFixture): Promise<LoadedFixture> {
  const folder = folderOf(fixture.path);
  const names = (await readdir(folder)).sort();
  const json = new Map<string, JsonObject>();
  for (const name of names.filter((one) => one.endsWith('.json'))) {
    json.set(name, JSON.parse(await readFile(join(folder, name), 'utf8')) as JsonObject);
  }
  const config = json.get('config.json');
  if (!config) throw new Error(`${folder} holds no config.json`);
  const sideFiles = new Map([...json].filter(([name]) => name !== 'config.json' && name !== goldenNumbers));
  const recorded = await readRecorded(folder, names, json.get(goldenNumbers));
  const checkpoint = await openSafetensors(
    { list: async () => names, open: (name) => openFileSource(join(folder, name)) },
    { exclude: [goldenWeights] },
  );
  const modules = fixture.modules ?? decoderModules(config, checkpoint.tensors.keys());
  return {
    metadata: { config, sideFiles, tensors: checkpoint.tensors },
    modules,
    bytes: checkpoint,
    recorded,
    close: () => checkpoint.close(),
  };
}

function folderOf(path: string | URL): string {
  return (typeof path === 'string' ? path : fileURLToPath(path)).replace(/[\\/]+$/, '');
}

async function readRecorded(folder: string, names: readonly string[], numbers: JsonObject | undefined) {
  const recorded = new Map<string, RecordedWeight>();
  for (const [module, sha256] of Object.entries((numbers?.weight_sha256 ?? {}) as Record<string, string>)) {
    recorded.set(module, { sha256 });
  }
  if (!names.includes(goldenWeights)) return recorded;
  const source = await openFileSource(join(folder, goldenWeights));
  try {
    const golden = await openSafetensorsFile(source, goldenWeights);
    for (const [name, ref] of golden.tensors) {
      if (!name.startsWith('weight.')) continue;
      const module = name.slice('weight.'.length);
      recorded.set(module, { ...recorded.get(module), bytes: await golden.read(ref) });
    }
  } finally {
    await source.close();
  }
  return recorded;
}
