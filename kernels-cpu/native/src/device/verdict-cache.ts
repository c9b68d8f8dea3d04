import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, homedir } from 'node:os';
import { join } from 'node:path';

/** What the self-test of one binary on one processor said: empty where all was right. */
export interface VerdictCache {
  read(): string | undefined;
  write(verdict: string): void;
}

/** In the user's cache folder, by the contents of the binary and the processor's name. Does without where it cannot write. */
export function verdictCache(binary: string, folder = cacheFolder()): VerdictCache {
  const key = createHash('sha256').update(readFileSync(binary)).update(`${cpus()[0]?.model} ${process.version}`);
  const file = join(folder, `native-cpu-${key.digest('hex').slice(0, 32)}.json`);
  return {
    read() {
      try {
        const { verdict } = JSON.parse(readFileSync(file, 'utf8')) as { verdict?: unknown };
        return typeof verdict === 'string' ? verdict : undefined;
      } catch {
        return undefined;
      }
    },
    write(verdict) {
      try {
        mkdirSync(folder, { recursive: true });
        const partial = `${file}.${process.pid}`;
        writeFileSync(partial, JSON.stringify({ verdict }));
        renameSync(partial, file);
      } catch {
        // The next process tests again.
      }
    },
  };
}

function cacheFolder(): string {
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'lowbit');
  return join(homedir(), '.cache', 'lowbit');
}
