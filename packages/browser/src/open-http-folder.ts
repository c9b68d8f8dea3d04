import { LowbitError, type Registry } from '@lowbit/core';
import type { ModelFolder } from '@lowbit/runtime';
import { type ByteSource, createByteSource } from '@lowbit/safetensors';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { HttpError } from './http-error.ts';
import { listFiles } from './list-files.ts';
import { readListing, writeListing } from './listing.ts';
import { createMemoryStore } from './memory-store.ts';
import { type HttpAccess, type RemoteFile, rangedEnding } from './remote-file.ts';
import type { Store } from './store.ts';
import { createStoredFile, readWholeFile, type StoredFile, storePath } from './stored-file.ts';

export interface HttpFolderOptions {
  /** Keeps what comes. Default: memory. */
  readonly store?: Store | undefined;
  /** Names of the files, where they are known: nothing else is asked for, and each must be there. */
  readonly files?: readonly string[] | undefined;
  /** Its methods' side files are asked for too, on servers that have no listing. */
  readonly registry?: Registry | undefined;
  /** Sent with every request: an access token, say. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Ends every request, now and later. What is stored stays. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Milliseconds before a request that failed is tried again; the pause doubles from try to try. Default 250. */
  readonly retryPause?: number | undefined;
}

/** A checkpoint folder on a server, for `openModel` and `explainModel`. */
export interface HttpFolder extends ModelFolder {
  /** `store`: the server did not answer, and what was kept of an earlier visit is used. */
  readonly from: 'server' | 'store';
  /**
   * Fetches all files that are not in the store yet, and compares their SHA-256 where it is known. Not needed: reads fetch
   * what they lack; but it is quicker, and says how far it is.
   * @throws HttpError; the signal's reason where it aborts
   */
  download(onProgress?: (progress: DownloadProgress) => void): Promise<void>;
}

export interface DownloadProgress {
  /** Bytes of weights in the store or on their way to it, and of all weights. */
  readonly done: number;
  readonly total: number;
  /** Those that were there before this download. */
  readonly before: number;
}

/**
 * Opens a checkpoint on a server: any that answers range requests, or a model on Hugging Face by its address. Its files
 * are listed, and none is read yet. Where the server does not answer, what the store kept of an earlier visit will do.
 * @param url absolute address of the folder that holds `config.json`
 * @throws HttpError; LowbitError URL for what is no such address
 */
export async function openHttpFolder(url: string, options: HttpFolderOptions = {}): Promise<HttpFolder> {
  const base = folderUrl(url);
  const store = options.store ?? createMemoryStore();
  const folder = bytesToHex(sha256(new TextEncoder().encode(base))).slice(0, 32);
  const access: HttpAccess = {
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    headers: options.headers ?? {},
    signal: options.signal,
    pause: options.retryPause ?? 250,
  };
  const place = { store, folder, access };
  const { files, from } = await findFiles(base, options, place);
  const byName = new Map(files.map((file) => [file.name, file]));
  const ranged = new Map<string, StoredFile>();
  for (const file of files) if (isRanged(file)) ranged.set(file.name, createStoredFile(file, place));

  return {
    path: base,
    from,
    list: async () => [...byName.keys()],
    async open(name): Promise<ByteSource> {
      const file = byName.get(name);
      if (!file) {
        throw new HttpError({
          code: 'HTTP_STATUS',
          url: new URL(encodeURIComponent(name), base).href,
          expected: `one of the ${byName.size} files listed`,
          actual: 'another file',
        });
      }
      const stored = ranged.get(name);
      if (stored) return { size: stored.size, read: stored.read, close: async () => {} };
      return createByteSource(await readWholeFile(file, place), name);
    },
    async download(onProgress) {
      for (const file of files) if (!ranged.has(file.name)) await readWholeFile(file, place);
      const weights = [...ranged.values()];
      const total = weights.reduce((sum, { size }) => sum + size, 0);
      const held = await Promise.all(weights.map((file) => file.stored()));
      const sum = () => held.reduce((all, bytes) => all + bytes, 0);
      const before = sum();
      for (const [index, file] of weights.entries()) {
        await file.download((bytes) => {
          held[index] = bytes;
          onProgress?.({ done: sum(), total, before });
        });
      }
    },
  };
}

interface Place {
  readonly store: Store;
  readonly folder: string;
  readonly access: HttpAccess;
}

/** From the server, else from the store; what the store has of other versions goes. */
async function findFiles(
  base: string,
  options: HttpFolderOptions,
  place: Place,
): Promise<{ readonly files: readonly RemoteFile[]; readonly from: HttpFolder['from'] }> {
  const { store, folder } = place;
  const known = await readListing(store, folder);
  let files: readonly RemoteFile[];
  try {
    files = await listFiles(base, options, place);
  } catch (error) {
    const isAway = error instanceof HttpError && error.code === 'HTTP_UNREACHABLE';
    if (isAway && known) return { files: known.files, from: 'store' };
    throw error;
  }
  const current = new Set(files.map((file) => storePath(folder, file)));
  for (const path of (known?.files ?? []).map((file) => storePath(folder, file))) {
    if (!current.has(path)) await store.remove(path);
  }
  await writeListing(store, folder, { url: base, files });
  return { files, from: 'server' };
}

function isRanged(file: RemoteFile): file is RemoteFile & { readonly size: number } {
  return file.name.endsWith(rangedEnding) && file.size !== undefined;
}

function folderUrl(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) {
    const { origin, pathname, search } = new URL(url);
    return `${origin}${pathname.endsWith('/') ? pathname : `${pathname}/`}${search}`;
  }
  throw new LowbitError({
    code: 'URL',
    message: `the address of a model: expected an absolute http or https URL, found ${JSON.stringify(url)}`,
    remedy: 'Of a relative one, new URL(address, location.href).href makes an absolute one.',
  });
}
