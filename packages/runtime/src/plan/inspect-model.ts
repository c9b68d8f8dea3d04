import { type DType, findMethod, LowbitError, type Registry } from '@lowbit/core';
import { architectureOf } from '../checkpoint/architecture-of.ts';
import { type ModelFolder, openModelFolder } from '../checkpoint/model-folder.ts';
import { type Checkpoint, readCheckpoint } from '../checkpoint/read-checkpoint.ts';
import type { Inspection } from './inspection.ts';
import { findMissingMethod } from './missing-method.ts';
import { quantizationSource } from './quantization-source.ts';

/** What a checkpoint folder holds. Works without the checkpoint's method and says what it then cannot tell. */
export async function inspectModel(
  path: string | ModelFolder,
  options: { readonly registry: Registry },
): Promise<Inspection> {
  const folder = typeof path === 'string' ? await openModelFolder(path) : path;
  const checkpoint = await readCheckpoint(folder, options.registry);
  try {
    return await inspect(checkpoint, options.registry);
  } finally {
    await checkpoint.close();
  }
}

async function inspect(checkpoint: Checkpoint, registry: Registry): Promise<Inspection> {
  const { folder, metadata } = checkpoint;
  const { config } = metadata;
  const tensors = [...metadata.tensors.values()].map(({ name, dtype, shape, file, start, end }) => ({
    name,
    dtype,
    shape,
    bytes: end - start,
    file,
  }));
  const bytesByDType: Partial<Record<DType, number>> = {};
  for (const { dtype, bytes } of tensors) bytesByDType[dtype] = (bytesByDType[dtype] ?? 0) + bytes;
  const quantization = await readSettings(checkpoint, registry);
  return {
    path: folder.path,
    architecture: architectureOf(config),
    modelType: typeof config.model_type === 'string' ? config.model_type : undefined,
    ...quantization,
    files: await listFiles(folder, tensors),
    tensors,
    bytesByDType,
    totalBytes: tensors.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

async function readSettings(
  checkpoint: Checkpoint,
  registry: Registry,
): Promise<Pick<Inspection, 'settings' | 'quantMethod' | 'quantizationSource' | 'notes'>> {
  const { metadata } = checkpoint;
  const entry = findMethod(registry, metadata);
  if (!entry) {
    const missing = await findMissingMethod(checkpoint);
    const notes = missing ? [`No installed method reads ${missing.name}. ${missing.remedy}`] : [];
    return { settings: undefined, quantMethod: missing?.name, quantizationSource: missing?.source, notes };
  }
  const source = quantizationSource(entry, metadata);
  const found = { quantMethod: source?.quantMethod ?? entry.name, quantizationSource: source?.place };
  try {
    const { settings, warnings } = (await entry.load()).parseConfig(metadata);
    return { ...found, settings, notes: warnings };
  } catch (error) {
    if (!LowbitError.isInstance(error)) throw error;
    return { ...found, settings: undefined, notes: [error.message] };
  }
}

async function listFiles(
  folder: ModelFolder,
  tensors: readonly { readonly file: string }[],
): Promise<Inspection['files']> {
  const counts = new Map<string, number>();
  for (const { file } of tensors) counts.set(file, (counts.get(file) ?? 0) + 1);
  return Promise.all(
    [...counts].map(async ([name, count]) => {
      const source = await folder.open(name);
      const bytes = source.size;
      await source.close();
      return { name, bytes, tensors: count };
    }),
  );
}
