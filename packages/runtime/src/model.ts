import type { Numerics } from '@lowbit/core';
import type { GenerateChunk, GenerateRequest, GenerateResult } from './engine/generate-request.ts';
import type { ChatMessage, ChatOptions } from './text/chat-template.ts';
import type { Tokenizer } from './text/tokenizer.ts';

/** A loaded model. Requests made at the same time run together in one batch. */
export interface Model {
  readonly info: ModelInfo;
  /** Absent where the folder has no `tokenizer.json`: prompts must then be token ids. */
  readonly tokenizer: Tokenizer | undefined;
  /**
   * Generates one continuation, chunk by chunk.
   * @throws ContextLengthError, SamplingError before the first chunk; LowbitError TOKENIZER_MISSING for a text prompt without tokenizer
   */
  generate(request: GenerateRequest): AsyncIterable<GenerateChunk>;
  /** `generate`, waited for. */
  complete(request: GenerateRequest): Promise<GenerateResult>;
  /**
   * Writes a conversation as a prompt with the model's chat template, in a bounded sandbox.
   * @throws ChatTemplateError
   */
  renderChat(messages: readonly ChatMessage[], options?: ChatOptions, signal?: AbortSignal): Promise<string>;
  /** Logits of every token, `[tokenIds.length, vocab]`, computed alone and in chunks; for verification and perplexity. */
  logits(tokenIds: readonly number[] | Int32Array): Promise<Float32Array>;
  /** What is going on now. */
  status(): ModelStatus;
  /**
   * Bytes of weights and KV cache that one step of decoding reads while each of `sequences` has `cachedTokens`. Undefined
   * where several sequences choose experts, and with a backend that does not say what its modules hold.
   */
  bytesPerStep(sequences: number, cachedTokens: number): number | undefined;
  /**
   * Bytes per second that the backend's threads read from memory, measured now; undefined with a backend that cannot tell.
   * @throws LowbitError while requests run
   */
  measureReadBandwidth(): Promise<number | undefined>;
  /** Ends all generations with `abort` and frees the memory. */
  close(): Promise<void>;
}

export interface ModelInfo {
  /** Folder the model was opened from. */
  readonly path: string;
  readonly architecture: string;
  readonly modelType: string;
  /** `unquantized` where the checkpoint is. */
  readonly method: string;
  /** Other names under which serving engines know this checkpoint. */
  readonly aliases: readonly string[];
  /** Schemes in use, most frequent first: `['w4a16', 'unquantized']`. */
  readonly schemes: readonly string[];
  /** `cpu:reference`. */
  readonly backend: string;
  readonly device: string;
  readonly numerics: Numerics;
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly hasChatTemplate: boolean;
  /** Bytes held. */
  readonly memory: { readonly weights: number; readonly kvCache: number };
  readonly warnings: readonly string[];
}

export interface ModelStatus {
  readonly running: number;
  readonly waiting: number;
  /** Tokens in use and in all, of the KV cache. */
  readonly kvCache: { readonly used: number; readonly total: number };
}
