import type { Registry } from '@lowbit/core';
import { findWeightFiles, parseSafetensorsIndex } from '@lowbit/safetensors';
import { listHub, parseHubUrl } from './list-hub.ts';
import { askForFiles, usualNames } from './list-server.ts';
import { type RemoteFile, rangedEnding } from './remote-file.ts';
import { readWholeFile, type StoredFileOptions } from './stored-file.ts';

/**
 * The files of a checkpoint and no others: of the weights those that its index names, else the one file.
 * @throws HttpError; SafetensorsError where no telling which files are the weights
 */
export async function listFiles(
  base: string,
  { files, registry }: { readonly files?: readonly string[] | undefined; readonly registry?: Registry | undefined },
  place: StoredFileOptions,
): Promise<readonly RemoteFile[]> {
  const { access } = place;
  if (files) return askForFiles(base, files, files, access);
  const hub = parseHubUrl(base);
  const found = hub ? await listHub(hub, access) : await askForFiles(base, usualNames(registry), [], access);
  const side = found.filter(({ name }) => /\.(json|jinja)$/.test(name));
  const weights = findWeightFiles(found.map(({ name }) => name));
  if ('single' in weights) return [...side, ...found.filter(({ name }) => name === weights.single)];
  const index = found.find(({ name }) => name === weights.index)!;
  const { shards } = parseSafetensorsIndex(await readWholeFile(index, place), index.name);
  if (!hub) return [...side, ...(await askForFiles(base, shards, shards, access))];
  // Shards that the repository lacks are named when the weights are opened.
  const wanted = new Set(shards.filter((shard) => shard.endsWith(rangedEnding)));
  return [...side, ...found.filter(({ name }) => wanted.has(name))];
}
