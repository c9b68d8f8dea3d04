import { Command } from 'commander';
import { benchCommand } from './commands/bench.ts';
import { chatCommand } from './commands/chat.ts';
import { doctorCommand } from './commands/doctor.ts';
import { evalCommand } from './commands/eval.ts';
import { explainCommand } from './commands/explain.ts';
import { generateCommand } from './commands/generate.ts';
import { inspectCommand } from './commands/inspect.ts';
import { serveCommand } from './commands/serve.ts';
import { verifyCommand } from './commands/verify.ts';
import { addExamples } from './options/common-options.ts';
import type { Session } from './session.ts';
import { version } from './version.ts';

/** The command line; errors of commander are thrown after their message is written. */
export function createProgram(session: Session): Command {
  const program = new Command('lowbit')
    .description('Runs quantized Hugging Face checkpoints as they lie on disk.')
    .version(version(), '--version', 'print the version');
  addExamples(program, ['lowbit generate', 'lowbit serve ./Qwen3-8B-AWQ', 'lowbit generate --help']);
  for (const create of [
    generateCommand,
    chatCommand,
    serveCommand,
    inspectCommand,
    explainCommand,
    verifyCommand,
    evalCommand,
    benchCommand,
    doctorCommand,
  ]) {
    program.addCommand(create(session));
  }
  // Subcommands added ready-made inherit nothing: each is set up alike.
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => void session.io.stdout.write(text),
      writeErr: (text) => void session.io.stderr.write(text),
      getOutHelpWidth: () => session.io.stdout.columns ?? 80,
      getErrHelpWidth: () => session.io.stderr.columns ?? 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  }
  return program;
}
