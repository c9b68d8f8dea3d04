import type { ActivationQuantization } from './activation-quantization.ts';
import type { ElementType } from './element-type.ts';
import type { Stored } from './layout.ts';
import type { Blocked, QuantizedWeight } from './quantized-weight.ts';

/** A module, described: all that a kernel needs to say yes or no, and then to prepare and run it. */
export type ModuleDescription =
  | LinearDescription
  | MoeDescription
  | EmbeddingDescription
  | KvCacheDescription
  | NormDescription
  | VectorDescription;

/** The description of a module kind. */
export type DescriptionOf<Kind extends ModuleDescription['kind']> = Extract<ModuleDescription, { readonly kind: Kind }>;

interface Described {
  readonly module: string;
  /** Name of the scheme that described it; `unquantized` where none did. For people only. */
  readonly scheme: string;
}

/** `y = x . W^T + bias`, x `[tokens, in]`, y `[tokens, out]`. */
export interface LinearDescription extends Described, LinearExecution {
  readonly kind: 'linear';
  readonly weight: QuantizedWeight;
  /** Shape `[out]`. */
  readonly bias?: Stored;
  /** What holds instead for tokens that the model generated itself, where prompts and continuations run differently. */
  readonly decoding?: LinearExecution;
}

/** How the input of a linear is quantized; ignored, and said so, with numerics `exact`. */
export interface LinearExecution {
  readonly activations?: ActivationQuantization;
  readonly integer?: IntegerExecution;
}

/**
 * Integer execution whose constants cannot be re-derived from the weight's: with quantized activations
 * `y = (sum of codes + accumulatorBias) * outputScale`, and `bias` is already inside.
 */
export interface IntegerExecution {
  /** i32, shape `[out]`. */
  readonly accumulatorBias: Stored;
  /** Shape `[out]`. */
  readonly outputScale: Stored;
}

/** A whole block of experts, so that a backend can lay them out together. Expert e is `experts[e]`. */
export interface MoeDescription extends Described {
  readonly kind: 'moe';
  readonly experts: readonly ExpertDescription[];
}

/** `y = down(silu(gate(x)) * up(x))` */
export interface ExpertDescription {
  readonly gate: LinearDescription;
  readonly up: LinearDescription;
  readonly down: LinearDescription;
}

/** Rows of a `[vocab, hidden]` table, picked by token id. */
export interface EmbeddingDescription extends Described {
  readonly kind: 'embedding';
  readonly weight: QuantizedWeight;
}

/**
 * Keys (after RoPE) and values of one attention module, `[tokens, kvHeads, headSize]` each (values `valueHeadSize` where
 * that is given), kept as `type`. With numerics
 * `exact` integers and floats of 8 bits are not used, and that is said.
 */
export interface KvCacheDescription extends Described {
  readonly kind: 'kvCache';
  readonly type: ElementType;
  readonly numKvHeads: number;
  readonly headSize: number;
  readonly valueHeadSize?: number;
  /** How numbers become elements; absent: each is rounded to the type as it is. */
  readonly quantization?: { readonly key: KvQuantization; readonly value: KvQuantization };
}

/**
 * `element = clamp(round(x / scale) + zero)` and `x' = (element - zero) * scale`. Tables count features along `out`,
 * `kvHeads * headSize` of them: a block of `[headSize, 1]` is one number per head.
 */
export interface KvQuantization {
  readonly scale: Blocked;
  readonly zero?: Blocked;
}

export interface NormDescription extends Described {
  readonly kind: 'norm';
  /** Shape `[size]`. */
  readonly weight: Stored;
  /** Shape `[size]`, added last: what smoothing of outliers leaves behind. */
  readonly bias?: Stored;
}

export interface VectorDescription extends Described {
  readonly kind: 'vector';
  /** Shape `[size]`. */
  readonly vector: Stored;
}
