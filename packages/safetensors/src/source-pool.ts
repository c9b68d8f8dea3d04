import type { ByteSource } from './byte-source.ts';

/** Open sources kept for the next read. Well below the number of files a process may hold open. */
const maxIdle = 32;

/** Opens each file once and keeps it, closing the least recently used beyond a handful. */
export interface SourcePool {
  use<Result>(file: string, work: (source: ByteSource) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

export function createSourcePool(open: (file: string) => Promise<ByteSource>): SourcePool {
  /** Least recently used first. */
  const entries = new Map<string, { source: Promise<ByteSource>; users: number }>();

  let limit = maxIdle;

  async function shrink(): Promise<void> {
    for (const [file, { source, users }] of entries) {
      if (entries.size <= limit) return;
      if (users > 0) continue;
      entries.delete(file);
      await (await source).close();
    }
  }

  return {
    async use(file, work) {
      const entry = entries.get(file) ?? { source: open(file), users: 0 };
      entries.delete(file);
      entries.set(file, entry);
      entry.users += 1;
      try {
        return await work(
          await entry.source.catch((error: unknown) => {
            if (entries.get(file) === entry) entries.delete(file);
            throw error;
          }),
        );
      } finally {
        entry.users -= 1;
        await shrink();
      }
    },
    close() {
      limit = 0;
      return shrink();
    },
  };
}
