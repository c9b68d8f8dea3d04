/**
 * The modules of a model, by kind. A spec says what a module is and what the architecture expects of it; what its
 * tensors mean is the scheme's answer. Modules carry their checkpoint names, never names fused at run time.
 */
export type ModuleSpec = LinearSpec | EmbeddingSpec | MoeSpec | KvCacheSpec | NormSpec | VectorSpec;

export interface LinearSpec {
  readonly kind: 'linear';
  readonly name: string;
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly hasBias: boolean;
  /** `head` makes logits, `router` picks experts; formats treat both apart from projections. */
  readonly role: 'projection' | 'head' | 'router';
  /** Name of the embedding whose table this head uses, unless a format quantized the head by itself. */
  readonly tiedTo?: string;
}

export interface EmbeddingSpec {
  readonly kind: 'embedding';
  readonly name: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
}

/** A whole expert block, so that one scheme describes it and one kernel can lay its experts out together. */
export interface MoeSpec {
  readonly kind: 'moe';
  readonly name: string;
  readonly numExperts: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  /** Names of the gate, up and down projections inside `<name>.<expert>`. */
  readonly projections: { readonly gate: string; readonly up: string; readonly down: string };
}

export interface KvCacheSpec {
  readonly kind: 'kvCache';
  /** Name of the attention module whose keys and values are kept. */
  readonly name: string;
  readonly numKvHeads: number;
  readonly headSize: number;
  /** Of values. Absent: headSize. */
  readonly valueHeadSize?: number;
}

export interface NormSpec {
  readonly kind: 'norm';
  readonly name: string;
  readonly size: number;
}

/** One tensor of one axis that is no linear's and no norm's, such as the bias of a router's choice. */
export interface VectorSpec {
  readonly kind: 'vector';
  /** Name of the tensor itself. */
  readonly name: string;
  readonly size: number;
}
