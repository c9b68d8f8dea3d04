import type { Progress } from '../open-options.ts';

export interface SpeedOptions {
  /** Tokens of the prompt whose prefill is timed. Default 512. */
  readonly promptTokens?: number | undefined;
  /** Tokens timed per sequence while decoding. Default 64. */
  readonly newTokens?: number | undefined;
  /** Tokens in each sequence's cache when the timing of decoding begins. Default: `promptTokens`. */
  readonly context?: number | undefined;
  /** Sequences that decode together, each number measured. Default `[1]`. */
  readonly batches?: readonly number[] | undefined;
  /** Times that everything is measured, after one time that does not count. Default 5. */
  readonly runs?: number | undefined;
  /** Of the random token ids. Default 0. */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  onProgress?(progress: Progress): void;
}

export interface SpeedReport {
  readonly prefill: Speed & { readonly promptTokens: number };
  /** One per entry of `batches`; tokens of all sequences of the batch together. */
  readonly decode: readonly (Speed & {
    readonly batch: number;
    readonly context: number;
    readonly newTokens: number;
  })[];
}

/** Over the runs that count. */
export interface Speed {
  /** The median. */
  readonly tokensPerSecond: number;
  readonly lowest: number;
  readonly highest: number;
  readonly runs: readonly number[];
}
