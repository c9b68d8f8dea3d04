import { LowbitError } from '@lowbit/core';
import { checkRange } from '@lowbit/safetensors';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { fetchRange, fetchWhole } from './fetch-bytes.ts';
import { HttpError } from './http-error.ts';
import { inParallel } from './in-parallel.ts';
import type { HttpAccess, RemoteFile } from './remote-file.ts';
import type { Store } from './store.ts';

/** A file of the server, of which the store holds more and more. */
export interface StoredFile {
  readonly size: number;
  /** Bytes that the store holds. */
  stored(): Promise<number>;
  /**
   * Bytes `start` up to `end`, fetched where they are not in the store. The read after which all bytes are there also
   * compares their SHA-256, where it is known, before it answers.
   * @throws HttpError, LowbitError STORE_FULL
   */
  read(start: number, end: number): Promise<Uint8Array>;
  /**
   * Fetches what is missing, and compares the SHA-256.
   * @param onBytes called with what the store holds and what is on its way, now and then
   */
  download(onBytes: (count: number) => void): Promise<void>;
}

/** What one request fetches and one file of the store holds: lost at most where a download ends early. */
const chunkSize = 4 * 2 ** 20;
/** More would not be faster, and would hold more in memory. */
const maxRequests = 4;

export interface StoredFileOptions {
  readonly store: Store;
  /** Path of the checkpoint's folder in the store. */
  readonly folder: string;
  readonly access: HttpAccess;
}

/** Where the store keeps one version of a file: its pieces, `0`, `1`, ..., and the mark `verified`. */
export function storePath(folder: string, { name, version }: Pick<RemoteFile, 'name' | 'version'>): string {
  const key = bytesToHex(sha256(new TextEncoder().encode(version))).slice(0, 16);
  return `${folder}/${encodeURIComponent(name)}/${key}`;
}

export function createStoredFile(
  file: RemoteFile & { readonly size: number },
  { store, folder, access }: StoredFileOptions,
): StoredFile {
  const path = storePath(folder, file);
  const count = Math.ceil(file.size / chunkSize);
  const indexes = Array.from({ length: count }, (_, index) => index);
  const present = new Set<number>();
  const fetching = new Map<number, Promise<void>>();
  let verified: Promise<void> | undefined;

  const sizeOf = (index: number) => Math.min(chunkSize, file.size - index * chunkSize);

  async function isPresent(index: number): Promise<boolean> {
    if (present.has(index)) return true;
    // A piece whose writing was cut short does not count.
    if ((await store.size(`${path}/${index}`)) !== sizeOf(index)) return false;
    present.add(index);
    return true;
  }

  async function fetchChunk(index: number, onBytes?: (count: number) => void): Promise<void> {
    if (await isPresent(index)) return;
    const start = index * chunkSize;
    const bytes = await fetchRange(file, start, start + sizeOf(index), access, onBytes);
    await store.write(`${path}/${index}`, bytes);
    present.add(index);
  }

  /** Once at a time for each chunk, however many ask. */
  function ensure(index: number, onBytes?: (count: number) => void): Promise<void> {
    const work = fetching.get(index) ?? fetchChunk(index, onBytes).finally(() => fetching.delete(index));
    fetching.set(index, work);
    return work;
  }

  async function readChunk(index: number, start?: number, end?: number): Promise<Uint8Array> {
    const bytes = await store.read(`${path}/${index}`, start, end);
    const wanted = (end ?? sizeOf(index)) - (start ?? 0);
    if (bytes?.length === wanted) return bytes;
    throw new LowbitError({
      code: 'STORE_LOST',
      message: `${file.name}: expected ${wanted} bytes of the stored copy, found ${bytes?.length ?? 'none'}`,
      remedy: 'The browser has removed stored data: load the page again to fetch what is missing.',
    });
  }

  async function verifyOnce(): Promise<void> {
    if (file.sha256 === undefined || (await store.size(`${path}/verified`)) !== undefined) return;
    const hash = sha256.create();
    for (const index of indexes) {
      access.signal?.throwIfAborted();
      hash.update(await readChunk(index));
    }
    await checkHash(file, bytesToHex(hash.digest()), () => store.remove(path));
    await store.write(`${path}/verified`, Uint8Array.of(1));
  }

  function verify(): Promise<void> {
    verified ??= verifyOnce().catch((error: unknown) => {
      verified = undefined;
      present.clear();
      throw error;
    });
    return verified;
  }

  return {
    size: file.size,
    async stored() {
      const held = await Promise.all(indexes.map(async (index) => ((await isPresent(index)) ? sizeOf(index) : 0)));
      return held.reduce((sum, size) => sum + size, 0);
    },
    async read(start, end) {
      checkRange(file.name, file.size, start, end);
      const wanted = indexes.slice(Math.floor(start / chunkSize), Math.ceil(end / chunkSize));
      await inParallel(wanted, maxRequests, (index) => ensure(index));
      if (present.size === count) await verify();
      const bytes = new Uint8Array(end - start);
      for (const index of wanted) {
        const first = index * chunkSize;
        const from = Math.max(start - first, 0);
        const part = await readChunk(index, from, Math.min(end - first, sizeOf(index)));
        bytes.set(part, first + from - start);
      }
      return bytes;
    },
    async download(onBytes) {
      const held = await Promise.all(indexes.map(async (index) => ((await isPresent(index)) ? sizeOf(index) : 0)));
      const report = () => onBytes(held.reduce((sum, size) => sum + size, 0));
      report();
      await inParallel(indexes, maxRequests, async (index) => {
        await ensure(index, (bytes) => {
          held[index] = bytes;
          report();
        });
        held[index] = sizeOf(index);
      });
      report();
      await verify();
    },
  };
}

/** A small file, as a whole: from the store, or fetched, checked and stored. */
export async function readWholeFile(
  file: RemoteFile,
  { store, folder, access }: StoredFileOptions,
): Promise<Uint8Array> {
  const path = `${storePath(folder, file)}/0`;
  const stored = await store.read(path);
  if (stored) return stored;
  const bytes = await fetchWhole(file, access);
  if (file.sha256 !== undefined) await checkHash(file, bytesToHex(sha256(bytes)), async () => {});
  await store.write(path, bytes);
  return bytes;
}

async function checkHash(
  { url, sha256: wanted }: RemoteFile,
  found: string,
  discard: () => Promise<void>,
): Promise<void> {
  if (found === wanted) return;
  await discard();
  throw new HttpError({
    code: 'HTTP_HASH',
    url,
    expected: `SHA-256 ${wanted}`,
    actual: found,
    remedy: 'The file was damaged on its way or on the server. What was stored of it is removed: try again.',
  });
}
