import type { Progress } from '../open-options.ts';

export interface PerplexityOptions {
  /** Tokens per window. Default 512. */
  readonly window?: number | undefined;
  /** Disjoint windows from the start of the text. Default 64; fewer where the text ends. */
  readonly windows?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  onProgress?(progress: Progress): void;
}

export interface PerplexityReport {
  /** exp(mean negative log-likelihood) over `tokens`, full precision. */
  readonly perplexity: number;
  /** Tokens scored: the first of each window is not. */
  readonly tokens: number;
  readonly window: number;
  readonly windows: number;
}
