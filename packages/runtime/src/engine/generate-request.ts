import type { SamplingParameters } from '../sampling/sampling-parameters.ts';

/** One prompt, one continuation. */
export interface GenerateRequest {
  /** Text, or token ids used as they are. */
  readonly prompt: string | readonly number[];
  readonly sampling?: SamplingParameters | undefined;
  readonly logprobs?: LogprobOptions | undefined;
  /** Stops the generation; the last chunk then finishes with `abort`. */
  readonly signal?: AbortSignal | undefined;
}

export interface LogprobOptions {
  /** Alternatives reported per position; 0: only the token itself. */
  readonly top: number;
  /** First prompt position whose log probability is wanted; absent: output tokens only. */
  readonly promptFrom?: number | undefined;
}

/** What came since the chunk before. The last chunk has `finish`. */
export interface GenerateChunk {
  /** New text; never half a character, never the beginning of a stop string. Empty while text is held back. */
  readonly text: string;
  readonly tokenIds: readonly number[];
  /** One per entry of `tokenIds`, where the request asked for log probabilities. */
  readonly logprobs?: readonly TokenLogprob[];
  /** In the first chunk: positions `promptFrom` and later, where asked for. */
  readonly promptLogprobs?: readonly TokenLogprob[];
  readonly usage: Usage;
  readonly finish?: FinishReason;
}

export interface TokenLogprob {
  readonly tokenId: number;
  /** Natural logarithm, of the distribution before temperature and filters; null for the first prompt token. */
  readonly logprob: number | null;
  /** Most likely tokens at this position, best first. */
  readonly top: readonly { readonly tokenId: number; readonly logprob: number }[];
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export type FinishReason =
  /** End of sequence, a stop token or a stop string. */
  | { readonly kind: 'stop'; readonly matched: number | string }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'abort'; readonly message: string };

/** All chunks of a generation, joined. */
export interface GenerateResult {
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly logprobs?: readonly TokenLogprob[];
  readonly promptLogprobs?: readonly TokenLogprob[];
  readonly usage: Usage;
  readonly finish: FinishReason;
}
