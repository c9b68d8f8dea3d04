import { createInterface } from 'node:readline';
import { LowbitError } from '@lowbit/core';
import type { ChatMessage, Model } from '@lowbit/runtime';
import { Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { type Generation, streamGeneration } from '../generation.ts';
import { openModel } from '../open-model.ts';
import { addChatTemplateOption, type ChatTemplateOptions, readChatTemplate } from '../options/chat-template-option.ts';
import { addCommonOptions, addExamples, type CommonOptions } from '../options/common-options.ts';
import { modelFolder } from '../options/model-folder.ts';
import { addRunOptions, type RunOptions, runOptions } from '../options/plan-options.ts';
import { addSamplingOptions, type SamplingOptions, samplingParameters } from '../options/sampling-options.ts';
import { formatGeneration, formatModelInfo } from '../output/generation-text.ts';
import { createOutput, type Output } from '../output/output.ts';
import { printable } from '../output/printable.ts';
import { discoverRegistry } from '../plugins.ts';
import type { Session } from '../session.ts';

interface ChatCommandOptions extends CommonOptions, RunOptions, SamplingOptions, ChatTemplateOptions {
  readonly system?: string;
}

/** The model that comes with the command was never taught to chat: its conversation is one running text. */
const shippedTemplate = "{% for message in messages %}{{ message.content }}{{ ' ' }}{% endfor %}";

export function chatCommand(session: Session): Command {
  const command = new Command('chat')
    .summary('talk with a model')
    .description(
      'Talks with a model; the conversation so far is part of each prompt. On a terminal Ctrl-C stops an answer, /exit ' +
        'or Ctrl-D ends. Where stdin is no terminal, each line is a message.',
    )
    .argument('[model]', 'checkpoint folder (default: the small model that comes with lowbit)')
    .option('--system <text>', 'system message')
    .action((model: string | undefined, options: ChatCommandOptions) => chat(session, model, options));
  addChatTemplateOption(command);
  addSamplingOptions(command);
  addRunOptions(command);
  addCommonOptions(command);
  return addExamples(command, [
    'lowbit chat ./Qwen3-8B-AWQ --system "Answer in one sentence."',
    'echo "What is a kernel?" | lowbit chat ./Qwen3-8B-AWQ --json',
  ]);
}

async function chat(session: Session, modelArgument: string | undefined, options: ChatCommandOptions): Promise<void> {
  const output = createOutput(session, options);
  const folder = modelFolder(modelArgument, session.io.cwd);
  const givenTemplate = await readChatTemplate(options, session.io.cwd);
  const chatTemplate = givenTemplate ?? (modelArgument === undefined ? shippedTemplate : undefined);
  const registry = await discoverRegistry(session, output);
  const { model } = await openModel(session, output, folder, {
    registry,
    ...runOptions(options),
    quiet: options.quiet,
    chatTemplate,
  });
  try {
    if (!model.info.hasChatTemplate) throw noTemplate(folder);
    output.note(formatModelInfo(model.info));
    if (chatTemplate === shippedTemplate) {
      output.note('This model never learned to chat: it goes on with the text of the conversation.');
    }
    await converse(session, model, output, options);
  } finally {
    await model.close();
  }
}

async function converse(session: Session, model: Model, output: Output, options: ChatCommandOptions): Promise<void> {
  const { stdin, stdout } = session.io;
  session.signal.throwIfAborted();
  const interactive = stdin.isTTY === true && stdout.isTTY === true;
  const lines = createInterface({ input: stdin, output: interactive ? stdout : undefined, terminal: interactive });
  session.signal.addEventListener('abort', () => lines.close());
  let answering: AbortController | undefined;
  // A terminal in raw mode hands Ctrl-C to the line editor instead of sending SIGINT.
  lines.on('SIGINT', () => {
    if (answering) answering.abort();
    else session.interrupt(exitCodes.SIGINT);
  });
  // Made before the first prompt: lines that come, and the end, from here on are seen.
  const messages = lines[Symbol.asyncIterator]();
  lines.setPrompt('> ');
  if (interactive) lines.prompt();

  const history: ChatMessage[] = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  for await (const line of messages) {
    const content = line.trim();
    if (content === '/exit') break;
    if (content !== '') {
      answering = new AbortController();
      const signal = AbortSignal.any([session.signal, answering.signal]);
      const question: ChatMessage = { role: 'user', content };
      try {
        const generation = await answer(model, [...history, question], signal, output, options);
        history.push(question, { role: 'assistant', content: generation.text });
      } catch (error) {
        // A person can ask something else; a script should hear that it failed.
        if (!interactive || !LowbitError.isInstance(error)) throw error;
        output.warn(error.message);
      }
      answering = undefined;
    }
    if (session.interrupted !== undefined) break;
    if (interactive) lines.prompt();
  }
  lines.close();
}

async function answer(
  model: Model,
  messages: readonly ChatMessage[],
  signal: AbortSignal,
  output: Output,
  options: ChatCommandOptions,
): Promise<Generation> {
  const text = await model.renderChat(messages);
  // The template writes the special tokens itself.
  const prompt = model.tokenizer?.encode(text, { addSpecialTokens: false }) ?? text;
  const generation = await streamGeneration(
    model,
    { prompt, sampling: samplingParameters(options), signal },
    options.json ? () => {} : (piece) => output.result(output.forPeople ? printable(piece) : piece),
  );
  if (options.json) {
    const { usage, finish } = generation;
    output.json({ message: { role: 'assistant', content: generation.text }, usage, finish });
  } else {
    output.result('\n');
    output.note(formatGeneration(generation));
  }
  return generation;
}

function noTemplate(folder: string): LowbitError {
  return new LowbitError({
    code: 'NO_CHAT_TEMPLATE',
    message: `${folder} has no chat template: expected one in tokenizer_config.json or chat_template.jinja`,
    remedy: 'Give one with --chat-template <file>, or continue plain text with lowbit generate.',
  });
}
