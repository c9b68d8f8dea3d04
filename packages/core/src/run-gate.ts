import { LowbitError } from './errors/lowbit-error.ts';

/** Lets one call at a time into an executable, and none once it is closed. */
export interface RunGate {
  readonly closed: boolean;
  /** @throws LowbitError BATCH while another call runs, and once closed, be it during the call */
  alone<T>(call: () => Promise<T>): Promise<T>;
  close(): void;
}

/** For the executables of backends: a batch that comes too early or too late is a mistake of the caller. */
export function createRunGate(): RunGate {
  let state: 'idle' | 'running' | 'closed' = 'idle';
  const isClosed = () => state === 'closed';
  const unavailable = () => new LowbitError({ code: 'BATCH', message: `batch: the executable is ${state}` });
  return {
    get closed() {
      return isClosed();
    },
    async alone(call) {
      if (state !== 'idle') throw unavailable();
      state = 'running';
      try {
        const result = await call();
        if (isClosed()) throw unavailable();
        return result;
      } catch (error) {
        // Whatever breaks because it was closed underneath is no other fault.
        throw isClosed() ? unavailable() : error;
      } finally {
        if (!isClosed()) state = 'idle';
      }
    },
    close() {
      state = 'closed';
    },
  };
}
