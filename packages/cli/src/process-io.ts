import { exitCodes } from './exit-codes.ts';
import type { Io, Signal } from './io.ts';

/** The real streams, environment and signals. A second SIGINT or SIGTERM ends the process at once. */
export function processIo(): Io {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    onSignal(listener) {
      let signalled = false;
      const handle = (signal: Signal) => {
        if (signalled) process.exit(exitCodes[signal]);
        signalled = true;
        listener(signal);
      };
      process.on('SIGINT', handle);
      process.on('SIGTERM', handle);
      return () => {
        process.off('SIGINT', handle);
        process.off('SIGTERM', handle);
      };
    },
  };
}
