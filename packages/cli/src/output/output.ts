import type { Session } from '../session.ts';
import { printable } from './printable.ts';
import { type Paint, painter } from './style.ts';

export interface OutputOptions {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/** Results go to stdout, everything said about them to stderr. */
export interface Output {
  /** Colours for stdout. */
  readonly paint: Paint;
  /** True where the reader of stdout is a person: generated text is then shown without control characters. */
  readonly forPeople: boolean;
  /** Text of a result, as it is. */
  result(text: string): void;
  /** The result as one line of JSON. */
  json(value: unknown): void;
  /** The text that the result continues, on stderr; on a terminal the result follows on its line. Else like `note`. */
  lead(text: string): void;
  /** A line about the result; left out with `--quiet` and `--json`. */
  note(text: string): void;
  /** Something the user should know even with `--quiet`. */
  warn(text: string): void;
}

export function createOutput({ io }: Session, { json = false, quiet = false }: OutputOptions): Output {
  const paintError = painter(io.stderr, io.env);
  return {
    paint: painter(io.stdout, io.env),
    forPeople: io.stdout.isTTY === true,
    result: (text) => void io.stdout.write(text),
    json: (value) => void io.stdout.write(`${JSON.stringify(value)}\n`),
    lead(text) {
      const end = io.stdout.isTTY && io.stderr.isTTY ? '' : '\n';
      if (!quiet && !json) io.stderr.write(`${paintError('dim', printable(text))}${end}`);
    },
    note(text) {
      if (!quiet && !json) io.stderr.write(`${paintError('dim', printable(text))}\n`);
    },
    warn(text) {
      io.stderr.write(`${paintError('yellow', 'warning:')} ${printable(text)}\n`);
    },
  };
}
