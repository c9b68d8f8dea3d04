/** What is known of the logits after one token. */
export type RowLogits = AllLogits | LargestLogits;

export interface AllLogits {
  readonly kind: 'all';
  /** Shape `[vocab]`; valid until the next forward. */
  readonly logits: Float32Array;
}

/** The largest logits, in the order of `TopLogits`. */
interface LargestLogits {
  readonly kind: 'largest';
  readonly tokenIds: Int32Array;
  readonly logits: Float32Array;
  /** Of the whole vocabulary. Absent where it was not asked for. */
  readonly logSumExp?: number;
}

/** More than these of a vocabulary and all are as good. */
export const mostLargest = 256;
