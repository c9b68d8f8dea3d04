import {
  type CheckpointMetadata,
  compilePattern,
  type JsonObject,
  type Registry,
  type TensorBytes,
} from '@lowbit/core';
import { openSafetensors } from '@lowbit/safetensors';
import { type ModelFolder, readJson } from './model-folder.ts';

/** A checkpoint whose headers are read and whose weights are not. */
export interface Checkpoint {
  readonly folder: ModelFolder;
  readonly metadata: CheckpointMetadata;
  readonly bytes: TensorBytes;
  close(): Promise<void>;
}

/** Where a reference run leaves its numbers: a safetensors file that holds no weights. */
const recordFile = 'golden.safetensors';

/** `config.json`, the side files that methods ask for, and every tensor's place. */
export async function readCheckpoint(folder: ModelFolder, registry: Registry): Promise<Checkpoint> {
  const config = (await readJson(folder, 'config.json')) ?? {};
  const sideFiles = await readSideFiles(folder, registry);
  const safetensors = await openSafetensors(folder, { exclude: [recordFile] });
  return {
    folder,
    metadata: { config, sideFiles, tensors: safetensors.tensors },
    bytes: { read: (ref) => safetensors.read(ref), ...(folder.locate ? { locate: folder.locate } : {}) },
    close: () => safetensors.close(),
  };
}

/** The top-level JSON files that a registry's methods ask for. */
export async function readSideFiles(folder: ModelFolder, registry: Registry): Promise<ReadonlyMap<string, JsonObject>> {
  const wanted = registry.methods.flatMap(({ match, configFiles }) => [
    ...(match.files ?? []).map((file) => file.name),
    ...(configFiles ?? []),
  ]);
  const patterns = [...new Set(wanted)].map((text) => compilePattern({ kind: 'glob', text }));
  const sideFiles = new Map<string, JsonObject>();
  for (const name of await folder.list()) {
    if (!patterns.some((matches) => matches(name))) continue;
    const value = await readJson(folder, name);
    if (value) sideFiles.set(name, value);
  }
  return sideFiles;
}
