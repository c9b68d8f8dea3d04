import { CommanderError } from 'commander';
import { exitCodes } from './exit-codes.ts';
import type { Io } from './io.ts';
import { loadedOnUse } from './load-runtime.ts';
import { createProgram } from './program.ts';
import { reportError } from './report-error.ts';
import type { Runtime } from './runtime.ts';
import { createSession } from './session.ts';

/**
 * Runs the command line.
 * @param argv what follows the name of the command
 * @returns the exit code: 0, 1 for a failure, 2 for a wrong command line, 130 and 143 where SIGINT and SIGTERM ended it
 */
export async function run(argv: readonly string[], io: Io, runtime: Runtime = loadedOnUse): Promise<number> {
  const session = createSession(io, runtime);
  try {
    await createProgram(session).parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
    return session.exitCode ?? session.interrupted ?? exitCodes.success;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.success : exitCodes.usage;
    // What fails once a run is interrupted fails because of that.
    if (session.interrupted !== undefined) return session.interrupted;
    return reportError(error, io, argv.includes('--verbose') || io.env.LOWBIT_DEBUG === '1');
  } finally {
    session.end();
  }
}
