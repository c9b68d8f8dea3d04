import { LowbitError } from '@lowbit/core';

/** A prompt that leaves no room for a single token, or is empty. */
export class ContextLengthError extends LowbitError {
  readonly promptTokens: number;
  readonly contextLength: number;

  constructor(promptTokens: number, contextLength: number) {
    super({
      code: 'CONTEXT_LENGTH',
      message:
        promptTokens === 0
          ? 'the prompt has no tokens'
          : `the prompt has ${promptTokens} tokens; the context holds ${contextLength}, the continuation included`,
      remedy:
        promptTokens === 0
          ? 'Give at least one token.'
          : 'Shorten the prompt, or open the model with a longer context if it has one.',
    });
    this.promptTokens = promptTokens;
    this.contextLength = contextLength;
  }
}
