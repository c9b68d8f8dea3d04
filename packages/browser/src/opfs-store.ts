import { LowbitError } from '@lowbit/core';
import type { Directory, FileHandle, Locks, StorageManager } from './opfs-types.ts';
import type { Store } from './store.ts';

/**
 * A store in the browser's own file system (OPFS), which outlasts the page. In a worker or a window of a secure page; several
 * tabs may have it open at once.
 * @param name of its folder
 * @throws LowbitError NO_STORE where the browser offers none: an insecure page, some private windows
 */
export async function openOpfsStore(name = 'lowbit'): Promise<Store> {
  const root = await openRoot(name);
  const lock = createLock(name);
  return {
    async size(path) {
      return (await readFile(root, path))?.size;
    },
    async read(path, start = 0, end) {
      const file = await readFile(root, path);
      return (
        file &&
        absent(
          file
            .slice(start, end)
            .arrayBuffer()
            .then((bytes) => new Uint8Array(bytes)),
        )
      );
    },
    write: (path, bytes) =>
      // A file that is being written can be neither written by another tab nor removed.
      lock('', { mode: 'shared' }, () => lock(`write/${path}`, {}, () => write(root, path, bytes))),
    remove: (path) =>
      lock('', {}, async () => {
        const { folder, file } = split(path);
        await absent(findDirectory(root, folder).then((directory) => directory.removeEntry(file, { recursive: true })));
      }),
    exclusively: (work, does, signal) => lock(`work/${work}`, { ...(signal && { signal }) }, does),
  };
}

/** Holds for all tabs of a site. Browsers of before 2022 have no locks: tabs then disturb one another. */
function createLock(store: string) {
  const { locks } = (globalThis as { navigator?: { locks?: Locks } }).navigator ?? {};
  return <Result>(
    name: string,
    options: Parameters<Locks['request']>[1],
    work: () => Promise<Result>,
  ): Promise<Result> => (locks ? locks.request(`lowbit-store/${store}/${name}`, options, work) : work());
}

async function openRoot(name: string): Promise<Directory> {
  const { storage } = (globalThis as { navigator?: { storage?: StorageManager } }).navigator ?? {};
  try {
    if (!storage?.getDirectory) throw new Error('navigator.storage.getDirectory is missing');
    return await (await storage.getDirectory()).getDirectoryHandle(name, { create: true });
  } catch (cause) {
    throw new LowbitError({
      code: 'NO_STORE',
      message: `this browser lends the page no file storage: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: 'Serve the page from https or localhost, outside a private window; or keep the model in memory only.',
      cause,
    });
  }
}

async function readFile(root: Directory, path: string): Promise<Blob | undefined> {
  const { folder, file } = split(path);
  return absent(
    findDirectory(root, folder)
      .then((directory) => directory.getFileHandle(file))
      .then((handle) => handle.getFile()),
  );
}

async function write(root: Directory, path: string, bytes: Uint8Array): Promise<void> {
  const { folder, file } = split(path);
  try {
    const directory = await findDirectory(root, folder, { create: true });
    await replace(await directory.getFileHandle(file, { create: true }), bytes);
  } catch (cause) {
    if (!isNamed(cause, 'QuotaExceededError')) throw cause;
    throw new LowbitError({
      code: 'STORE_FULL',
      message: `the browser's storage has no room for ${bytes.length} bytes of ${path}`,
      remedy: 'Free some: clear the data of sites that you no longer need, or take a smaller model.',
      cause,
    });
  }
}

/** In workers at once; elsewhere, where browsers allow no synchronous access, through a stream. */
async function replace(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  if (!handle.createSyncAccessHandle) {
    const stream = await handle.createWritable();
    await stream.write(bytes);
    await stream.close();
    return;
  }
  const access = await handle.createSyncAccessHandle();
  try {
    access.truncate(0);
    const written = access.write(bytes, { at: 0 });
    if (written < bytes.length) throw new DOMException(`${written} bytes were written`, 'QuotaExceededError');
    access.flush();
  } catch (error) {
    // What came of it would only take up room.
    access.truncate(0);
    throw error;
  } finally {
    access.close();
  }
}

async function findDirectory(root: Directory, names: readonly string[], options?: { create: boolean }) {
  let directory = root;
  for (const name of names) directory = await directory.getDirectoryHandle(name, options);
  return directory;
}

function split(path: string): { readonly folder: readonly string[]; readonly file: string } {
  const names = path.split('/');
  return { folder: names.slice(0, -1), file: names.at(-1)! };
}

/** Undefined for what is not there, or has changed since it was looked at. */
async function absent<Value>(wanted: Promise<Value>): Promise<Value | undefined> {
  return wanted.catch((error: unknown) => {
    if (isNamed(error, 'NotFoundError') || isNamed(error, 'NotReadableError')) return undefined;
    throw error;
  });
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
