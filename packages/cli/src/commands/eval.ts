import { resolve } from 'node:path';
import { Command } from 'commander';
import { openModel } from '../open-model.ts';
import { addCommonOptions, addExamples, type CommonOptions } from '../options/common-options.ts';
import { modelFolder } from '../options/model-folder.ts';
import { wholeNumber } from '../options/parse-number.ts';
import { addRunOptions, type RunOptions, runOptions } from '../options/plan-options.ts';
import { count, formatSeconds } from '../output/format.ts';
import { createOutput } from '../output/output.ts';
import { createProgress } from '../output/progress.ts';
import { discoverRegistry } from '../plugins.ts';
import { readTextFile } from '../read-text.ts';
import type { Session } from '../session.ts';

interface EvalOptions extends CommonOptions, RunOptions {
  readonly text: string;
  readonly window: number;
  readonly windows: number;
}

export function evalCommand(session: Session): Command {
  const command = new Command('eval')
    .summary('perplexity on a text')
    .description(
      'Measures perplexity: the text is cut into windows that do not overlap, and the first token of each is not scored.',
    )
    .argument('<model>', 'checkpoint folder')
    .requiredOption('--text <file>', 'UTF-8 text')
    .option('--window <tokens>', 'tokens per window', wholeNumber({ min: 2 }), 512)
    .option('--windows <number>', 'windows from the start of the text', wholeNumber({ min: 1 }), 64)
    .action((model: string, options: EvalOptions) => evaluate(session, model, options));
  // Measures the checkpoint: perplexities compare, whatever a backend approximates to be fast.
  addRunOptions(command, 'faithful');
  addCommonOptions(command);
  return addExamples(command, [
    'lowbit eval ./Qwen3-8B-AWQ --text heldout.txt --window 512 --windows 64',
    'lowbit eval ./Qwen3-8B-AWQ --text heldout.txt --numerics exact --json | jq .perplexity',
  ]);
}

async function evaluate(session: Session, folderArgument: string, options: EvalOptions): Promise<void> {
  const output = createOutput(session, options);
  const folder = modelFolder(folderArgument, session.io.cwd);
  const text = await readTextFile(resolve(session.io.cwd, options.text));
  const registry = await discoverRegistry(session, output);
  const { quiet, window, windows } = options;
  const { model } = await openModel(session, output, folder, { registry, ...runOptions(options), quiet });
  const progress = createProgress(session.io, { quiet });
  const start = performance.now();
  try {
    const report = await session.runtime.measurePerplexity(model, text, {
      window,
      windows,
      signal: session.signal,
      onProgress: (state) => progress.update(state),
    });
    progress.end();
    const seconds = (performance.now() - start) / 1000;
    if (options.json) return output.json({ ...report, model: model.info, seconds });
    output.result(`perplexity ${report.perplexity}\n`);
    output.note(
      `${count(report.tokens, 'token')} scored in ${count(report.windows, 'window')} of ${report.window}, ${formatSeconds(seconds)}; ` +
        `${model.info.method} on ${model.info.backend}, numerics ${model.info.numerics}`,
    );
    if (report.windows < windows)
      output.warn(`the text ends after ${count(report.windows, 'window')}; ${windows} were asked for`);
  } finally {
    progress.end();
    await model.close();
  }
}
