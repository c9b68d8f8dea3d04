import type { Registry } from '@lowbit/core';
import { Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { openModel } from '../open-model.ts';
import { readChatTemplate } from '../options/chat-template-option.ts';
import { checkQuantization } from '../options/check-quantization.ts';
import { addCommonOptions, addExamples, type CommonOptions } from '../options/common-options.ts';
import { modelFolder } from '../options/model-folder.ts';
import { addRunOptions, type RunOptions, runOptions } from '../options/plan-options.ts';
import { addServingOptions, type ServingOptions, servingNotices } from '../options/serving-options.ts';
import { formatModelInfo } from '../output/generation-text.ts';
import { createLogger } from '../output/logger.ts';
import { createOutput, type Output } from '../output/output.ts';
import { discoverRegistry } from '../plugins.ts';
import { seededModel } from '../seeded-model.ts';
import type { Session } from '../session.ts';
import { UsageError } from '../usage-error.ts';

interface ServeCommandOptions extends CommonOptions, RunOptions, ServingOptions {}

export function serveCommand(session: Session): Command {
  const command = new Command('serve')
    .summary('serve a model over HTTP')
    .description(
      'Serves /generate and the OpenAI routes. SIGINT or SIGTERM ends running requests with the text they have, then exits ' +
        'with 0; a second one ends at once.',
    )
    .argument('[model]', 'checkpoint folder')
    .action((model: string | undefined, options: ServeCommandOptions) => serve(session, model, options));
  addServingOptions(command);
  addRunOptions(command);
  addCommonOptions(command);
  return addExamples(command, [
    'lowbit serve ./Qwen3-8B-AWQ',
    'lowbit serve --model-path ./Qwen3-8B-AWQ --served-model-name qwen --host 0.0.0.0 --port 30000',
    'LOWBIT_API_KEY=secret lowbit serve ./Qwen3-8B-AWQ --context-length 8K --max-running-requests 8',
  ]);
}

async function serve(session: Session, modelArgument: string | undefined, options: ServeCommandOptions): Promise<void> {
  const output = createOutput(session, options);
  const folder = modelFolder(onlyModel(modelArgument, options), session.io.cwd);
  const chatTemplate = await readChatTemplate(options, session.io.cwd);
  for (const notice of servingNotices(options)) output.warn(notice);
  const registry = await discoverRegistry(session, output);
  await stateQuantization(session, output, folder, registry, options);

  const { model } = await openModel(session, output, folder, {
    registry,
    ...runOptions(options),
    contextLength: options.contextLength,
    maxRunningRequests: options.maxRunningRequests,
    kvCacheTokens: options.maxTotalTokens,
    prefillChunk: options.chunkedPrefillSize,
    chatTemplate,
    quiet: options.quiet,
  });
  try {
    const server = await session.runtime.startServer({
      model: options.randomSeed === undefined ? model : seededModel(model, options.randomSeed),
      servedModelName: options.servedModelName,
      apiKey: options.apiKey ?? session.io.env.LOWBIT_API_KEY,
      logger: createLogger(session.io.stderr, options.logLevel),
      host: options.host,
      port: options.port,
      signal: session.signal,
    });
    output.note(formatModelInfo(model.info));
    if (options.json) output.json({ url: server.url, model: model.info });
    else output.result(`${server.url}\n`);
    await server.closed;
    session.exitCode = exitCodes.success;
  } finally {
    await model.close();
  }
}

function onlyModel(argument: string | undefined, { modelPath, model }: ServingOptions): string {
  const [named, ...others] = new Set([argument, modelPath, model].filter((name) => name !== undefined));
  if (named === undefined) throw new UsageError('no model', 'Name a checkpoint folder: lowbit serve <folder>');
  if (others.length > 0) throw new UsageError(`two models are named: ${[named, ...others].join(' and ')}`);
  return named;
}

/** Compares before any weight is read. */
async function stateQuantization(
  { runtime, signal }: Session,
  output: Output,
  folder: string,
  registry: Registry,
  { quantization, device, numerics }: ServeCommandOptions,
): Promise<void> {
  if (quantization === undefined) return;
  const explanation = await runtime.explainModel(folder, { registry, device, numerics, signal });
  const notice = checkQuantization(quantization, explanation);
  if (notice !== undefined) output.warn(notice);
}
