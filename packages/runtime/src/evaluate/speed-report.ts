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
  /** Called once, when the first prompt has its first token: what was loaded has then done its first work. */
  onFirstToken?(): void;
  /** Called once, when everything has run in full and before memory is measured, which takes memory itself. */
  onBeforeBandwidth?(): void;
}

export interface SpeedReport {
  readonly prefill: Speed & { readonly promptTokens: number };
  /** One per entry of `batches`; tokens of all sequences of the batch together. */
  readonly decode: readonly (Speed & {
    readonly batch: number;
    readonly context: number;
    readonly newTokens: number;
    /** That one step reads, each sequence halfway through its new tokens. Absent where the model cannot tell. */
    readonly bytesPerStep?: number;
    /** Of the speed at which memory was read in the same runs: bytes of the steps per second, divided by it. */
    readonly bandwidthShare?: number;
  })[];
  /** Bytes per second that the threads read from memory. Absent where the backend cannot tell. */
  readonly readBandwidth?: { readonly bytesPerSecond: number; readonly runs: readonly number[] };
}

/** Over the runs that count. */
export interface Speed {
  /** The median. */
  readonly tokensPerSecond: number;
  readonly lowest: number;
  readonly highest: number;
  readonly runs: readonly number[];
}
