import type { PlanOptions, Progress } from '../open-options.ts';

/** `numerics`: only records of that kind of run. Default: each record as it was made. The KV cache is the checkpoint's. */
export interface VerifyOptions extends Omit<PlanOptions, 'kvCacheType'> {
  /** Path of a `golden.safetensors`; a `golden.json` beside it is read too. */
  readonly against: string;
  /** Replaces the default tolerance of every record that has one, relative to the record's range. */
  readonly tolerance?: number | undefined;
  onProgress?(progress: Progress): void;
}

export interface VerifyReport {
  readonly passed: boolean;
  readonly records: readonly RecordReport[];
}

/** One record of the reference run, recomputed. */
export interface RecordReport {
  /** `logits_0`, `weight.model.layers.0.self_attn.q_proj`. */
  readonly record: string;
  readonly kind:
    | 'weight'
    | 'weight-hash'
    /** One linear alone. */
    | 'linear-output'
    /** A whole forward with activations as they are. */
    | 'logits'
    /** A whole forward with quantized activations: rounding errors cascade, so another rule holds. */
    | 'activation-logits'
    | 'kv-cache-logits'
    | 'unknown';
  readonly status: 'passed' | 'failed' | 'unchecked';
  /** The rule in words, or why the record is unchecked. */
  readonly rule: string;
  readonly measures?: RecordMeasures;
}

export interface RecordMeasures {
  readonly maxAbsDifference: number;
  readonly meanAbsDifference: number;
  /** Largest minus smallest recorded value. */
  readonly range: number;
  /** `maxAbsDifference / range`. */
  readonly relative: number;
  /** Largest over the rows of a row's largest difference, relative to the row's largest magnitude. */
  readonly rowRelative?: number;
  /** Rows that agree only once the input at its rounding tie takes the neighbouring code. */
  readonly flippedRows?: readonly number[];
  /** Median over tokens of each token's largest difference, relative to the range. */
  readonly tokenMedian?: number;
  readonly tokens?: number;
  /** Tokens from the first on whose largest difference is within 1e-3 of the range. */
  readonly agreeingTokens?: number;
  /** Share of tokens whose likeliest next token agrees. */
  readonly top1Agreement?: number;
  /** Mean over tokens, recorded against computed, in nats. */
  readonly klDivergence?: number;
  /** Values that differ in any bit. */
  readonly differing?: number;
}
