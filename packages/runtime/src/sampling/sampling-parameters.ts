/** How tokens are picked. Every field has the default that serving engines share; `undefined` means the default. */
export interface SamplingParameters {
  /** Most tokens to generate. Default 128. */
  readonly maxTokens?: number | undefined;
  /** No end of sequence, stop token or stop string before this many tokens. Default 0. */
  readonly minTokens?: number | undefined;
  /** 0 is greedy. Default 1. */
  readonly temperature?: number | undefined;
  /** Smallest set of tokens whose probability reaches this, (0, 1]. Default 1: all. */
  readonly topP?: number | undefined;
  /** Most likely tokens to keep; -1 is all. Default -1. */
  readonly topK?: number | undefined;
  /** Drops tokens less likely than this share of the likeliest, [0, 1]. Default 0. */
  readonly minP?: number | undefined;
  /** Divides (or multiplies, if negative) the logits of tokens seen in prompt or output, (0, 2]. Default 1. */
  readonly repetitionPenalty?: number | undefined;
  /** Subtracted from the logits of tokens seen in the output, [-2, 2]. Default 0. */
  readonly presencePenalty?: number | undefined;
  /** Subtracted once per occurrence in the output, [-2, 2]. Default 0. */
  readonly frequencyPenalty?: number | undefined;
  /** Added to the logits of these tokens. */
  readonly logitBias?: Readonly<Record<number, number>> | undefined;
  /** Makes sampling repeatable, alone and in any batch. Default: a random one per request. */
  readonly seed?: number | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly stopTokenIds?: readonly number[] | undefined;
  readonly ignoreEos?: boolean | undefined;
  /** Leave special tokens out of the text. Default true. */
  readonly skipSpecialTokens?: boolean | undefined;
  /** Keep the stop string in the text. Default false. */
  readonly keepStop?: boolean | undefined;
}

/** Sampling with every value settled. */
export interface ResolvedSampling {
  readonly maxTokens: number;
  readonly minTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** Number of tokens kept; the vocabulary size is all. */
  readonly topK: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly logitBias: ReadonlyMap<number, number>;
  readonly seed: number;
  readonly stop: readonly string[];
  /** Tokens that end the sequence: end of sequence, unless ignored, and the request's own. */
  readonly stopTokenIds: ReadonlySet<number>;
  readonly skipSpecialTokens: boolean;
  readonly keepStop: boolean;
}
