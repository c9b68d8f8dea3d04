import type { Store } from './store.ts';

/** A store that lasts as long as the page: for browsers that keep nothing, and for tests. */
export function createMemoryStore(): Store {
  const files = new Map<string, Uint8Array>();
  return {
    size: async (path) => files.get(path)?.length,
    read: async (path, start, end) => files.get(path)?.slice(start, end),
    async write(path, bytes) {
      files.set(path, bytes.slice());
    },
    async remove(path) {
      for (const name of [...files.keys()]) if (name === path || name.startsWith(`${path}/`)) files.delete(name);
    },
  };
}
