import { LowbitError } from '@lowbit/core';

/**
 * What went wrong: the template cannot be parsed (`syntax`), refused the conversation (`raised`), used something that is not
 * there (`failed`), or went over a limit. `process`: the process or worker that renders could not run.
 */
export type ChatTemplateFault =
  | 'syntax'
  | 'raised'
  | 'failed'
  | 'size'
  | 'time'
  | 'output'
  | 'list'
  | 'depth'
  | 'memory'
  | 'process';

/** A conversation that could not be written as a prompt. `raised` is about the conversation, the others are about the template. */
export class ChatTemplateError extends LowbitError {
  readonly reason: ChatTemplateFault;

  constructor(reason: ChatTemplateFault, message: string, options: { cause?: unknown } = {}) {
    super({
      code: 'CHAT_TEMPLATE',
      message: `${subjects[reason]}${message}`,
      remedy: remedies[reason],
      cause: options.cause,
    });
    this.reason = reason;
  }
}

const subjects: Readonly<Record<ChatTemplateFault, string>> = {
  syntax: 'the chat template cannot be parsed: ',
  raised: 'the chat template refuses this conversation: ',
  failed: 'the chat template failed: ',
  size: 'the chat template ',
  time: 'the chat template ',
  output: 'the chat template ',
  list: 'the chat template ',
  depth: 'the chat template failed: ',
  memory: 'the chat template ',
  process: 'the chat template could not be rendered: ',
};

const ownTemplate = 'Give a template of your own with the option chatTemplate, or send the prompt as text.';

const remedies: Readonly<Record<ChatTemplateFault, string | undefined>> = {
  syntax: ownTemplate,
  raised: undefined,
  failed: ownTemplate,
  size: ownTemplate,
  time: ownTemplate,
  output: ownTemplate,
  list: ownTemplate,
  depth: ownTemplate,
  memory: ownTemplate,
  process: undefined,
};
