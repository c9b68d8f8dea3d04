import { isJsonObject } from '@lowbit/core';
import { HttpError } from './http-error.ts';
import type { HttpAccess, RemoteFile } from './remote-file.ts';
import { request, statusError } from './request.ts';

/** A revision of a repository on Hugging Face. */
export interface HubRepository {
  readonly endpoint: string;
  readonly repository: string;
  readonly revision: string;
}

/** `https://huggingface.co/Qwen/Qwen3-0.6B`, with or without `/resolve/main` or `/tree/main`; undefined for other addresses. */
export function parseHubUrl(url: string): HubRepository | undefined {
  const { origin, hostname, pathname } = new URL(url);
  if (hostname !== 'huggingface.co' && hostname !== 'hf.co') return undefined;
  const [owner, name, kind, revision = 'main'] = pathname.split('/').filter((part) => part !== '');
  if (owner === undefined || name === undefined) return undefined;
  if (kind !== undefined && kind !== 'resolve' && kind !== 'tree') return undefined;
  return { endpoint: origin, repository: `${owner}/${name}`, revision };
}

/**
 * The files at the top of a repository, with sizes, and SHA-256 where they are stored as large files.
 * Source of the format: https://huggingface.co/docs/hub/api (`/api/models/{repo}/tree/{revision}`)
 * @throws HttpError
 */
export async function listHub({ endpoint, repository, revision }: HubRepository, access: HttpAccess) {
  const url = `${endpoint}/api/models/${repository}/tree/${revision}`;
  const entries = await request(url, access, {}, async (response): Promise<unknown> => {
    if (response.status !== 200) throw statusError(url, response);
    return response.json().catch(() => undefined);
  });
  if (!Array.isArray(entries)) {
    throw new HttpError({ code: 'HTTP_CONTENT', url, expected: 'a list of files in JSON', actual: 'something else' });
  }
  return entries.flatMap((entry): RemoteFile[] => {
    if (!isJsonObject(entry) || entry.type !== 'file') return [];
    const { path: name, size, oid, lfs } = entry;
    if (typeof name !== 'string' || typeof size !== 'number' || typeof oid !== 'string') return [];
    const hash = isJsonObject(lfs) && typeof lfs.oid === 'string' ? lfs.oid.replace(/^sha256:/, '') : undefined;
    const file = { name, url: `${endpoint}/${repository}/resolve/${revision}/${name}`, size, version: hash ?? oid };
    return [hash === undefined ? file : { ...file, sha256: hash }];
  });
}
