import { LowbitError } from '@lowbit/core';
import { checkRange } from '@lowbit/safetensors';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { fetchRange, fetchWhole } from './fetch-bytes.ts';
import { HttpError } from './http-error.ts';
import { inParallel } from './in-parallel.ts';
import type { HttpAccess, RemoteFile } from './remote-file.ts';
import { readSealed, sealSize, writeSealed } from './sealed.ts';
import type { Store } from './store.ts';

/** A file of the server, of which the store holds more and more. */
export interface StoredFile {
  readonly size: number;
  /** Bytes that the store holds. */
  stored(): Promise<number>;
  /**
   * Bytes `start` up to `end`, fetched where they are not in the store, or damaged there. The read after which all bytes are
   * there also compares their SHA-256, where it is known, before it answers.
   * @throws HttpError; LowbitError STORE_FULL, STORE_LOST
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

export function createStoredFile(file: RemoteFile & { readonly size: number }, place: StoredFileOptions): StoredFile {
  const { store, folder, access } = place;
  const path = storePath(folder, file);
  const count = Math.ceil(file.size / chunkSize);
  const indexes = Array.from({ length: count }, (_, index) => index);
  /** Pieces that were fetched or compared with their seal: the store has them as they came. */
  const intact = new Set<number>();
  const ensuring = new Map<number, Promise<void>>();
  let verified: Promise<void> | undefined;

  const sizeOf = (index: number) => Math.min(chunkSize, file.size - index * chunkSize);

  /** A piece whose writing was cut short does not count. */
  async function isThere(index: number): Promise<boolean> {
    return intact.has(index) || (await store.size(`${path}/${index}`)) === sizeOf(index) + sealSize;
  }

  async function fetchPiece(index: number, onBytes?: (count: number) => void): Promise<void> {
    const piece = `${path}/${index}`;
    const start = index * chunkSize;
    const isDamaged = (await store.size(piece)) !== undefined;
    if (isDamaged) await store.remove(`${path}/verified`);
    const bytes = await fetchRange(file, start, start + sizeOf(index), access, onBytes).catch((error: unknown) => {
      throw isDamaged && isUnreachable(error) ? damaged(start, start + sizeOf(index), error) : error;
    });
    await writeSealed(store, piece, bytes);
  }

  function damaged(start: number, end: number, cause: unknown): LowbitError {
    return new LowbitError({
      code: 'STORE_LOST',
      message: `${file.name}: bytes ${start} to ${end - 1} of the stored copy are damaged, and the server does not answer`,
      remedy: 'Load the page again when there is a connection: this part alone is fetched.',
      cause,
    });
  }

  /** Once at a time for each piece, however many ask, in whatever tab. */
  function ensure(index: number, onBytes?: (count: number) => void): Promise<void> {
    if (intact.has(index)) return Promise.resolve();
    const work = async () => {
      if ((await readSealed(store, `${path}/${index}`))?.length !== sizeOf(index)) await fetchPiece(index, onBytes);
      intact.add(index);
    };
    const begun =
      ensuring.get(index) ??
      exclusively(`${path}/${index}`, work, place).finally(() => {
        ensuring.delete(index);
      });
    ensuring.set(index, begun);
    return begun;
  }

  async function readPiece(index: number, start = 0, end = sizeOf(index)): Promise<Uint8Array> {
    const bytes = await store.read(`${path}/${index}`, start, end);
    if (bytes?.length === end - start) return bytes;
    throw new LowbitError({
      code: 'STORE_LOST',
      message: `${file.name}: expected ${end - start} bytes of the stored copy, found ${bytes?.length ?? 'none'}`,
      remedy: 'The browser has removed stored data: load the page again to fetch what is missing.',
    });
  }

  async function verifyOnce(): Promise<void> {
    if (file.sha256 === undefined || (await store.size(`${path}/verified`)) !== undefined) return;
    const hash = sha256.create();
    for (const index of indexes) {
      access.signal?.throwIfAborted();
      hash.update(await readPiece(index));
    }
    await checkHash(file, bytesToHex(hash.digest()), () => store.remove(path));
    await store.write(`${path}/verified`, Uint8Array.of(1));
  }

  function verify(): Promise<void> {
    verified ??= verifyOnce().catch((error: unknown) => {
      verified = undefined;
      intact.clear();
      throw error;
    });
    return verified;
  }

  return {
    size: file.size,
    async stored() {
      const held = await Promise.all(indexes.map(async (index) => ((await isThere(index)) ? sizeOf(index) : 0)));
      return held.reduce((sum, size) => sum + size, 0);
    },
    async read(start, end) {
      checkRange(file.name, file.size, start, end);
      const wanted = indexes.slice(Math.floor(start / chunkSize), Math.ceil(end / chunkSize));
      await inParallel(wanted, maxRequests, (index) => ensure(index));
      if (intact.size === count) await verify();
      const bytes = new Uint8Array(end - start);
      for (const index of wanted) {
        const first = index * chunkSize;
        const from = Math.max(start - first, 0);
        const part = await readPiece(index, from, Math.min(end - first, sizeOf(index)));
        bytes.set(part, first + from - start);
      }
      return bytes;
    },
    async download(onBytes) {
      const held = await Promise.all(indexes.map(async (index) => ((await isThere(index)) ? sizeOf(index) : 0)));
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
export async function readWholeFile(file: RemoteFile, place: StoredFileOptions): Promise<Uint8Array> {
  const { store, folder, access } = place;
  const path = `${storePath(folder, file)}/0`;
  const read = async () => {
    const stored = await readSealed(store, path);
    if (stored) return stored;
    const bytes = await fetchWhole(file, access);
    if (file.sha256 !== undefined) await checkHash(file, bytesToHex(sha256(bytes)), async () => {});
    await writeSealed(store, path, bytes);
    return bytes;
  };
  return exclusively(path, read, place);
}

/** Alone among all that share the store: what another tab has fetched meanwhile is not fetched again. */
function exclusively<Result>(
  name: string,
  work: () => Promise<Result>,
  { store, access }: StoredFileOptions,
): Promise<Result> {
  return store.exclusively ? store.exclusively(name, work, access.signal) : work();
}

function isUnreachable(error: unknown): boolean {
  return error instanceof HttpError && error.code === 'HTTP_UNREACHABLE';
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
