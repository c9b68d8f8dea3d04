import { randomInt } from 'node:crypto';
import { LowbitError, type Numerics } from '@lowbit/core';
import type { SamplingParameters } from '@lowbit/runtime';
import { Command, Option } from 'commander';
import { streamGeneration } from '../generation.ts';
import { openModel } from '../open-model.ts';
import { addCommonOptions, addExamples, type CommonOptions } from '../options/common-options.ts';
import { modelFolder } from '../options/model-folder.ts';
import { addRunOptions, type RunOptions, runOptions } from '../options/plan-options.ts';
import { addSamplingOptions, type SamplingOptions, samplingParameters } from '../options/sampling-options.ts';
import { formatGeneration, formatModelInfo } from '../output/generation-text.ts';
import { createOutput } from '../output/output.ts';
import { printable } from '../output/printable.ts';
import { discoverRegistry } from '../plugins.ts';
import { readStdin } from '../read-text.ts';
import type { Session } from '../session.ts';
import { type ShippedModel, shippedModel, shippedModels } from '../shipped-model.ts';
import { UsageError } from '../usage-error.ts';

interface GenerateOptions extends CommonOptions, RunOptions, SamplingOptions {
  readonly prompt?: string;
  readonly model?: ShippedModel;
}

/** What the small models are good at, the same each time; what a backend approximates to be fast would change it. */
const story = {
  prompt: 'The ship had been at sea for',
  numerics: 'faithful',
  sampling: { maxTokens: 120, temperature: 0.8, topP: 0.95 },
  seeds: { dense: 8, moe: 5 },
} as const satisfies {
  prompt: string;
  numerics: Numerics;
  sampling: SamplingParameters;
  seeds: Record<ShippedModel, number>;
};

export function generateCommand(session: Session): Command {
  const command = new Command('generate')
    .summary('continue a text')
    .description(
      'Continues a text on stdout. Without arguments, the small model that comes with lowbit tells a story, with numerics ' +
        'faithful so that every backend tells the same. The prompt is an argument, --prompt, or stdin (also with --prompt ' +
        '-; one newline at its end is dropped).',
    )
    .argument('[model]', 'checkpoint folder (default: the small model that comes with lowbit)')
    .argument('[prompt]', 'text to continue')
    .option('-p, --prompt <text>', 'text to continue; -: from stdin')
    .addOption(
      new Option(
        '--model <name>',
        'which small model, where no folder is named; moe, a mixture of experts, is in the repository only (default: dense)',
      ).choices(shippedModels),
    )
    .action((model: string | undefined, prompt: string | undefined, options: GenerateOptions) =>
      generate(session, model, prompt, options),
    );
  addSamplingOptions(command);
  addRunOptions(command);
  addCommonOptions(command);
  return addExamples(command, [
    'lowbit generate',
    'lowbit generate --model moe',
    'lowbit generate ./Qwen3-8B-AWQ "Once upon a time" --temperature 0.8 --top-p 0.95 --seed 7',
    'lowbit generate ./Qwen3-8B-AWQ --max-tokens 32 --json < prompt.txt | jq -r .text',
  ]);
}

async function generate(
  session: Session,
  modelArgument: string | undefined,
  promptArgument: string | undefined,
  options: GenerateOptions,
): Promise<void> {
  const output = createOutput(session, options);
  const shipped = options.model ?? 'dense';
  if (modelArgument !== undefined && options.model !== undefined) {
    throw new UsageError('the model is given twice, as a folder and with --model');
  }
  const folder = modelArgument === undefined ? shippedModel(shipped) : modelFolder(modelArgument, session.io.cwd);
  const prompt = await findPrompt(session, modelArgument, promptArgument, options);
  const defaults =
    modelArgument === undefined ? { ...story.sampling, seed: story.seeds[shipped] } : { seed: randomInt(2 ** 32) };
  const sampling = { ...defaults, ...samplingParameters(options) };
  const registry = await discoverRegistry(session, output);
  const { quiet, json } = options;
  const run = runOptions(modelArgument === undefined ? { numerics: story.numerics, ...options } : options);
  const { model, seconds } = await openModel(session, output, folder, { registry, ...run, quiet });
  try {
    if (!prompt.fromStdin) output.lead(prompt.text);
    const generation = await streamGeneration(
      model,
      { prompt: prompt.text, sampling, signal: session.signal },
      json ? () => {} : (text) => output.result(output.forPeople ? printable(text) : text),
    );
    if (json) {
      output.json({
        model: model.info,
        prompt: prompt.text,
        sampling,
        ...generation,
        seconds: { load: seconds, ...generation.seconds },
      });
    } else {
      output.result('\n');
      output.note(formatModelInfo(model.info));
      output.note(`${formatGeneration(generation)}; seed ${sampling.seed}`);
    }
    if (generation.finish.kind === 'abort' && session.interrupted === undefined) {
      throw new LowbitError({ code: 'ABORTED', message: generation.finish.message });
    }
  } finally {
    await model.close();
  }
}

interface Prompt {
  readonly text: string;
  readonly fromStdin: boolean;
}

/** stdin is read unasked only where a model is named, so that `lowbit generate` never waits for it. */
async function findPrompt(
  { io }: Session,
  model: string | undefined,
  argument: string | undefined,
  options: GenerateOptions,
): Promise<Prompt> {
  if (argument !== undefined && options.prompt !== undefined) {
    throw new UsageError('the prompt is given twice, as an argument and with --prompt');
  }
  const text = argument ?? options.prompt ?? (model === undefined ? story.prompt : '-');
  if (text !== '-') return { text, fromStdin: false };
  if (io.stdin.isTTY) throw new UsageError('no prompt', 'Give one after the model, with --prompt, or on stdin.');
  return { text: (await readStdin(io.stdin)).replace(/\r?\n$/, ''), fromStdin: true };
}
