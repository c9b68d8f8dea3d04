import type { ModuleSpec } from './module-spec.ts';

/**
 * A model as a flat list of operations over named values. Every value is `[tokens, width]` f32, where tokens is symbolic:
 * all rows of a batch, whatever sequences they belong to. Modules are addressed by their checkpoint names.
 */
export interface ModelProgram {
  /** `model_type` of the checkpoint, for messages. */
  readonly modelType: string;
  readonly vocabSize: number;
  /** Most tokens in one sequence, prompt and continuation together. */
  readonly contextLength: number;
  /** Width of each value. */
  readonly values: Readonly<Record<string, number>>;
  readonly modules: readonly ModuleSpec[];
  readonly operations: readonly Operation[];
}

export type Operation =
  | EmbeddingOperation
  | RmsNormOperation
  | ConcatOperation
  | LinearOperation
  | RopeOperation
  | AttentionOperation
  | SiluMulOperation
  | MoeOperation
  | SigmoidMulOperation
  | AddOperation
  | LogitsOperation;

/** `output[t] = table[tokenIds[t]]` */
export interface EmbeddingOperation {
  readonly kind: 'embedding';
  readonly module: string;
  readonly output: string;
}

/**
 * `output = input / sqrt(mean(input^2) + epsilon) * weight (+ bias)` over each run of `size` features: the whole row, or
 * one head.
 * Source: Zhang & Sennrich, "Root Mean Square Layer Normalization" (2019).
 */
export interface RmsNormOperation {
  readonly kind: 'rms-norm';
  readonly module: string;
  readonly input: string;
  readonly output: string;
  readonly epsilon: number;
  readonly size: number;
}

/**
 * Heads put together from slices of other values, `[tokens, heads * (sum of sizes)]`: head h of `output` is, in order of
 * the parts, features `start + h * stride` to `start + h * stride + size` of `input`. A stride of 0 gives every head the
 * same slice; one head splits a value. `output` is none of the inputs.
 */
export interface ConcatOperation {
  readonly kind: 'concat';
  readonly output: string;
  readonly heads: number;
  readonly parts: readonly ConcatPart[];
}

export interface ConcatPart {
  readonly input: string;
  readonly start: number;
  readonly stride: number;
  readonly size: number;
}

/** One input through several linears (q/k/v, gate/up): a backend may run the parts as one. */
export interface LinearOperation {
  readonly kind: 'linear';
  readonly input: string;
  readonly parts: readonly { readonly module: string; readonly output: string }[];
}

/**
 * Rotary position embedding in place: two features of each head turn by `position * inverseFrequencies[j]`: j and j + d
 * (rotate-half), or 2j and 2j + 1 where `interleaved`; d = inverseFrequencies.length. Both count from `offset`; features
 * before it and past offset + 2d stay.
 * Source: Su et al., "RoFormer" (2021); scaled variants are already inside the frequencies.
 */
export interface RopeOperation {
  readonly kind: 'rope';
  readonly values: readonly string[];
  readonly headSize: number;
  readonly inverseFrequencies: readonly number[];
  /** Multiplies cos and sin (YaRN); 1 otherwise. */
  readonly attentionFactor: number;
  readonly interleaved?: true;
  /** First feature of each head that turns. Absent: 0. */
  readonly offset?: number;
}

/**
 * Causal attention over the paged KV cache of `cache`; appends this batch's keys and values first. Query heads share
 * key/value heads in order: head h uses `floor(h / (numHeads / numKvHeads))`.
 */
export interface AttentionOperation {
  readonly kind: 'attention';
  readonly cache: string;
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly output: string;
  readonly numHeads: number;
  readonly numKvHeads: number;
  /** Of queries and keys. */
  readonly headSize: number;
  /** Of values, and so of each head's output. Absent: headSize. */
  readonly valueHeadSize?: number;
  /** Multiplies the dot products; usually 1 / sqrt(headSize). */
  readonly scale: number;
  /** A token sees itself and this many - 1 before it. Absent: all. */
  readonly slidingWindow?: number;
}

/** `output = silu(gate) * up` */
export interface SiluMulOperation {
  readonly kind: 'silu-mul';
  readonly gate: string;
  readonly up: string;
  readonly output: string;
}

/**
 * Sends each row through the `topK` experts that its router logits choose and adds their outputs, weighted.
 *
 * Scores are the softmax of all logits, or the sigmoid of each. The experts with the highest scores are chosen; of
 * equals, the lowest index. Their weights are their scores, divided by their sum with `normalize`, times `scale`.
 * `choiceBias` and `groups` bear on which experts are chosen, not on their weights.
 */
export interface MoeOperation {
  readonly kind: 'moe';
  readonly module: string;
  readonly input: string;
  /** Value of width numExperts. */
  readonly routerLogits: string;
  readonly output: string;
  readonly topK: number;
  readonly scoring: 'softmax' | 'sigmoid';
  readonly normalize: boolean;
  readonly scale: number;
  /** Module of kind `vector`, one number per expert: added to the scores for the choice alone. */
  readonly choiceBias?: string;
  readonly groups?: ExpertGroups;
}

/**
 * Experts in `count` groups of equal size, in order; only those of the `chosen` groups with the highest scores take part.
 * A group's score is the largest of its experts' (biased) scores, or the sum of the two largest. Of equals, the lowest.
 * Source: DeepSeek-AI, "DeepSeek-V2" (2024), device-limited routing; "DeepSeek-V3" (2024), node-limited routing.
 */
export interface ExpertGroups {
  readonly count: number;
  readonly chosen: number;
  readonly score: 'largest' | 'two-largest';
}

/** `output = sigmoid(gate) * input`; `gate` has width 1 and counts for the whole row. */
export interface SigmoidMulOperation {
  readonly kind: 'sigmoid-mul';
  readonly gate: string;
  readonly input: string;
  readonly output: string;
}

/** `output = left + right` */
export interface AddOperation {
  readonly kind: 'add';
  readonly left: string;
  readonly right: string;
  readonly output: string;
}

/** The head, only for the rows that the batch asks logits of. */
export interface LogitsOperation {
  readonly kind: 'logits';
  readonly module: string;
  readonly input: string;
}
