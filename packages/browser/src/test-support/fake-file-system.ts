import type { Directory, FileHandle, Locks, StorageManager } from '../opfs-types.ts';

/** The browser's file system as its specification tells of it: one writer to a file, a quota, names that are not found. */
export interface FakeFileSystem {
  readonly storage: StorageManager;
  readonly locks: Locks;
  /** Bytes of all files together. */
  quota: number;
  /** Content by path, `lowbit/folder/0`. */
  readonly files: Map<string, Uint8Array>;
  /** Writes up to this many bytes of a file, and says so. */
  shortWrites: number;
  /** Paths that have a writer now. */
  readonly writers: Set<string>;
}

export function createFakeFileSystem(): FakeFileSystem {
  const system: FakeFileSystem = {
    storage: { getDirectory: async () => directory(system, '') },
    locks: createFakeLocks(),
    quota: Number.POSITIVE_INFINITY,
    files: new Map(),
    shortWrites: Number.POSITIVE_INFINITY,
    writers: new Set(),
  };
  return system;
}

function directory(system: FakeFileSystem, path: string): Directory {
  const { files, writers } = system;
  const within = (parent: string) => [...files.keys()].filter((name) => name.startsWith(`${parent}/`));
  return {
    async getDirectoryHandle(name, options) {
      const folder = `${path}${name}`;
      if (!options?.create && within(folder).length === 0) throw new DOMException(folder, 'NotFoundError');
      return directory(system, `${folder}/`);
    },
    async getFileHandle(name, options) {
      const file = path + name;
      if (!files.has(file)) {
        if (!options?.create) throw new DOMException(file, 'NotFoundError');
        files.set(file, new Uint8Array());
      }
      return fileHandle(system, file);
    },
    async removeEntry(name) {
      const removed = [path + name, ...within(path + name)].filter((file) => files.has(file));
      if (removed.length === 0) throw new DOMException(path + name, 'NotFoundError');
      if (removed.some((file) => writers.has(file))) throw new DOMException(name, 'NoModificationAllowedError');
      for (const file of removed) files.delete(file);
    },
  };
}

function fileHandle(system: FakeFileSystem, file: string): FileHandle {
  const { files, writers } = system;
  const content = () => {
    const bytes = files.get(file);
    if (!bytes) throw new DOMException(file, 'NotFoundError');
    return bytes;
  };
  return {
    getFile: async () => new Blob([content() as Uint8Array<ArrayBuffer>]),
    createWritable: () => Promise.reject(new Error('not in workers')),
    async createSyncAccessHandle() {
      if (writers.has(file)) throw new DOMException(file, 'NoModificationAllowedError');
      content();
      writers.add(file);
      // Long enough for others to come in between.
      await new Promise((resolve) => setTimeout(resolve, 1));
      return {
        truncate: (size) => void files.set(file, content().slice(0, size)),
        write(bytes) {
          const others = [...files].reduce((sum, [name, { length }]) => sum + (name === file ? 0 : length), 0);
          if (others + bytes.length > system.quota) throw new DOMException(file, 'QuotaExceededError');
          files.set(file, bytes.slice(0, system.shortWrites));
          return Math.min(bytes.length, system.shortWrites);
        },
        flush() {},
        close: () => void writers.delete(file),
      };
    },
  };
}

/** Exclusive and shared locks, granted in the order they are asked for. */
function createFakeLocks(): Locks {
  const queues = new Map<string, { readonly mode: string; readonly done: Promise<unknown> }[]>();
  return {
    async request(name, { mode = 'exclusive', signal }, work) {
      const queue = queues.get(name) ?? [];
      queues.set(name, queue);
      const before = queue.filter((other) => mode === 'exclusive' || other.mode === 'exclusive');
      let release = () => {};
      const own = { mode, done: new Promise<void>((resolve) => (release = resolve)) };
      queue.push(own);
      try {
        await Promise.race([Promise.all(before.map(({ done }) => done)), aborted(signal)]);
        return await work();
      } finally {
        queue.splice(queue.indexOf(own), 1);
        release();
      }
    },
  };
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
