import { PassThrough, Writable } from 'node:stream';
import type { Io, Signal } from '../io.ts';
import { run } from '../run.ts';
import type { Runtime } from '../runtime.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Io['env'];
  readonly cwd?: string;
  /** Makes stdin, stdout and stderr terminals. */
  readonly terminal?: boolean;
  /** Called with what has been written to stdout so far. */
  onStdout?(written: string, user: User): void;
}

/** What someone may do while the command runs. */
export interface User {
  send(signal: Signal): void;
  /** Into stdin, which stays open on a terminal. */
  type(text: string): void;
}

/** Runs the command line on streams in memory. */
export async function runCommand(
  argv: readonly string[],
  runtime: Runtime | undefined,
  options: RunOptions = {},
): Promise<Outcome> {
  const { env = {}, cwd = process.cwd(), terminal = false } = options;
  const listeners = new Set<(signal: Signal) => void>();
  const send = (signal: Signal) => {
    for (const listener of listeners) listener(signal);
  };
  const stdout = capture(terminal, (text) =>
    options.onStdout?.(text, { send, type: (typed) => void stdin.write(typed) }),
  );
  const stderr = capture(terminal);
  const stdin = Object.assign(new PassThrough(), { isTTY: terminal });
  stdin.write(options.stdin ?? '');
  if (!terminal) stdin.end();
  const io: Io = {
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    env,
    cwd,
    onSignal(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const code = await run(argv, io, runtime);
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

function capture(isTTY: boolean, onWrite?: (written: string) => void) {
  let written = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written += chunk.toString();
      onWrite?.(written);
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns: 100 }), text: () => written };
}
