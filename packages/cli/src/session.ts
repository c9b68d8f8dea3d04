import { exitCodes } from './exit-codes.ts';
import type { Io } from './io.ts';
import type { Runtime } from './runtime.ts';

/** One run of the command. */
export interface Session {
  readonly io: Io;
  readonly runtime: Runtime;
  /** Aborted by SIGINT, SIGTERM, and when whoever reads stdout goes away. */
  readonly signal: AbortSignal;
  /** Exit code of the interruption; undefined while there is none. */
  readonly interrupted: number | undefined;
  /** Set by a command that ends well in its own way, also when interrupted: a server that has drained. */
  exitCode: number | undefined;
  interrupt(exitCode: number): void;
  /** Stops listening to signals. */
  end(): void;
}

export function createSession(io: Io, runtime: Runtime): Session {
  const controller = new AbortController();
  let interrupted: number | undefined;

  function interrupt(exitCode: number): void {
    interrupted ??= exitCode;
    controller.abort();
  }

  // The listener stays: a late EPIPE after the last write must not become an uncaught error.
  io.stdout.on('error', (error: NodeJS.ErrnoException) => {
    interrupt(error.code === 'EPIPE' ? exitCodes.success : exitCodes.failure);
  });
  const stopListening = io.onSignal((signal) => interrupt(exitCodes[signal]));

  return {
    io,
    runtime,
    signal: controller.signal,
    get interrupted() {
      return interrupted;
    },
    exitCode: undefined,
    interrupt,
    end: stopListening,
  };
}
