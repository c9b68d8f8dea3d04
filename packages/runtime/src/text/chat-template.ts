import { ChatTemplateError } from './chat-template-error.ts';
import { type ChatTemplateLimits, defaultChatTemplateLimits } from './chat-template-limits.ts';
import { createHostedRenderer } from './renderer-host.ts';
import { readSpecialTokens } from './special-tokens.ts';

export { findChatTemplate } from './find-chat-template.ts';

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly name?: string | undefined;
}

export interface ChatOptions {
  /** Ends the prompt where the answer begins. Default true. */
  readonly addGenerationPrompt?: boolean | undefined;
  /** More variables for the template. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
}

export interface ChatRendererOptions {
  readonly template: string;
  /** Parsed `tokenizer_config.json`: templates write its special tokens, `bos_token`, `eos_token`, ... */
  readonly tokenizerConfig?: unknown;
  readonly limits?: Partial<ChatTemplateLimits> | undefined;
}

/** Writes conversations as prompts. */
export interface ChatRenderer {
  /**
   * @param options.variables plain data; they win over the special tokens
   * @throws ChatTemplateError; the signal's reason where it aborts
   */
  render(messages: readonly ChatMessage[], options?: ChatOptions, signal?: AbortSignal): Promise<string>;
  /** Ends the process or worker behind it, and renders that wait for it. */
  close(): void;
}

/**
 * A renderer of Hugging Face chat templates, with the variables and the whitespace rules of transformers'
 * `apply_chat_template`: `messages`, `add_generation_prompt`, `tools` and `documents` (none), the special tokens,
 * `raise_exception`, `strftime_now`.
 *
 * A template comes with a checkpoint and is code from a stranger, so it runs in a process of its own, with bounded `range`,
 * lists, text, time and heap; it reaches no file, no network and no environment variable. A worker thread is not enough:
 * measured on Node 20.20, `range(100000000)`, and `upper` of a text doubled 25 times, abort the whole process from inside a
 * worker with `resourceLimits`; a child process dies alone. Starting it takes about 50 ms, once; after that a render of a
 * short conversation takes a few milliseconds. Browsers have only workers, which bound everything but the heap.
 *
 * @throws ChatTemplateError for a template over the size limit; syntax errors come with the first render
 * @throws ConfigError for special tokens that are none
 */
export function createChatRenderer(options: ChatRendererOptions): ChatRenderer {
  const limits = { ...defaultChatTemplateLimits, ...options.limits };
  const { length } = options.template;
  if (length > limits.templateCharacters) {
    throw new ChatTemplateError(
      'size',
      `is ${length} characters long, more than the ${limits.templateCharacters} allowed`,
    );
  }
  const specialTokens = readSpecialTokens(options.tokenizerConfig);
  const renderer = createHostedRenderer(options.template, limits);
  return {
    render(messages, { addGenerationPrompt = true, variables } = {}, signal) {
      const all = {
        tools: null,
        documents: null,
        ...specialTokens,
        ...variables,
        messages,
        add_generation_prompt: addGenerationPrompt,
      };
      return renderer.render(all, signal);
    },
    close: () => renderer.close(),
  };
}
