import { LowbitError } from '@lowbit/core';
import { Command, InvalidArgumentError } from 'commander';
import { openModel } from '../open-model.ts';
import { addCommonOptions, addExamples, type CommonOptions } from '../options/common-options.ts';
import { modelFolder } from '../options/model-folder.ts';
import { wholeNumber } from '../options/parse-number.ts';
import { addRunOptions, type RunOptions, runOptions } from '../options/plan-options.ts';
import { count } from '../output/format.ts';
import { createOutput } from '../output/output.ts';
import { createProgress } from '../output/progress.ts';
import { formatSpeed } from '../output/speed-text.ts';
import { discoverRegistry } from '../plugins.ts';
import type { Session } from '../session.ts';

interface BenchOptions extends CommonOptions, RunOptions {
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly batch: readonly number[];
  readonly context?: number;
  readonly runs: number;
}

export function benchCommand(session: Session): Command {
  const atLeastOne = wholeNumber({ min: 1 });
  const command = new Command('bench')
    .summary('speed of prefill and decoding')
    .description(
      'Measures how fast a model reads prompts and writes tokens, on random token ids: no tokenizer is needed. Each run measures everything once, after a shorter one that warms up; medians are printed.',
    )
    .argument('<model>', 'checkpoint folder')
    .option('--prompt-tokens <number>', 'tokens of the prompt that is timed', atLeastOne, 512)
    .option('--new-tokens <number>', 'tokens written per sequence', atLeastOne, 64)
    .option('--batch <numbers>', 'sequences that write together, each number measured: 1,16', batches, [1])
    .option('--context <tokens>', 'tokens before the first one written is timed (default: as the prompt)', atLeastOne)
    .option('--runs <number>', 'runs that count', atLeastOne, 5)
    .action((model: string, options: BenchOptions) => bench(session, model, options));
  addRunOptions(command);
  addCommonOptions(command);
  return addExamples(command, [
    'lowbit bench ./Qwen3-8B-AWQ',
    'lowbit bench ./Qwen3-8B-AWQ --batch 1,16 --context 4096 --json | jq .decode.tokensPerSecond',
  ]);
}

async function bench(session: Session, folderArgument: string, options: BenchOptions): Promise<void> {
  const output = createOutput(session, options);
  const folder = modelFolder(folderArgument, session.io.cwd);
  const registry = await discoverRegistry(session, output);
  const { quiet, promptTokens, newTokens, runs } = options;
  const { batch: batches, context = promptTokens } = options;
  const largest = Math.max(...batches);
  const held = tokensHeld(context, newTokens, largest);
  const open = (contextLength?: number) =>
    openModel(session, output, folder, {
      registry,
      ...runOptions(options),
      quiet,
      contextLength,
      maxRunningRequests: largest,
      kvCacheTokens: contextLength && Math.max(contextLength, largest * wholeBlocks(held)),
    });
  // No more cache than is used; a model whose own context is shorter is opened as it is.
  const { model, seconds } = await open(Math.max(promptTokens + 1, held)).catch((error) => {
    if (LowbitError.isInstance(error) && error.code === 'CONTEXT_LENGTH') return open();
    throw error;
  });
  const progress = createProgress(session.io, { quiet });
  let firstToken = Number.NaN;
  let peakBytes = Number.NaN;
  try {
    const { readBandwidth, ...speed } = await session.runtime.measureSpeed(model, {
      promptTokens,
      newTokens,
      context,
      batches,
      runs,
      signal: session.signal,
      onProgress: (state) => progress.update(state),
      // The clock starts with the process.
      onFirstToken: () => {
        firstToken = performance.now() / 1000;
      },
      onBeforeBandwidth: () => {
        peakBytes = process.resourceUsage().maxRSS * 1024;
      },
    });
    progress.end();
    const report = {
      ...speed,
      decode: { ...speed.decode[0], batches: speed.decode },
      load: { seconds },
      firstToken: { seconds: firstToken, promptTokens },
      memory: {
        peakBytes,
        weightBytes: model.info.memory.weights,
        kvCacheBytes: model.info.memory.kvCache,
        ...(readBandwidth && { readBytesPerSecond: readBandwidth.bytesPerSecond }),
      },
      model: model.info,
    };
    if (options.json) return output.json(report);
    output.result(formatSpeed(report, output.paint));
    output.note(
      `${count(runs, 'run')}; ${model.info.method} on ${model.info.backend} (${model.info.device}), numerics ${model.info.numerics}`,
    );
  } finally {
    progress.end();
    await model.close();
  }
}

/** Those that begin first write on while the others' prompts are read, a chunk of up to 512 tokens at a time. */
function tokensHeld(context: number, newTokens: number, batch: number): number {
  return context + newTokens + batch * Math.ceil(context / 512) + 1;
}

/** The cache is handed out in blocks of 16 tokens: a batch that fills it to the last token needs the rest of each block too. */
function wholeBlocks(tokens: number): number {
  return Math.ceil(tokens / 16) * 16;
}

function batches(text: string): readonly number[] {
  const numbers = text.split(',').map(Number);
  if (numbers.every((number) => Number.isInteger(number) && number >= 1)) return numbers;
  throw new InvalidArgumentError('Expected whole numbers from 1, separated by commas: 1,16.');
}
