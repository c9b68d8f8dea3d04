import { inspect } from 'node:util';
import { LowbitError } from '@lowbit/core';
import { exitCodes } from './exit-codes.ts';
import type { Io } from './io.ts';
import { printable } from './output/printable.ts';
import { painter } from './output/style.ts';
import { UsageError } from './usage-error.ts';

/** Writes an error for a person; with `verbose`, its stack and causes too. @returns the exit code */
export function reportError(error: unknown, { stderr, env }: Io, verbose: boolean): number {
  const message = error instanceof Error ? error.message : String(error);
  stderr.write(`${painter(stderr, env)('red', 'error:')} ${printable(message)}\n`);
  if (verbose) stderr.write(`${printable(inspect(error))}\n`);
  else if (!LowbitError.isInstance(error)) {
    stderr.write('This was not foreseen. --verbose (or LOWBIT_DEBUG=1) shows where it happened.\n');
  }
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failure;
}
