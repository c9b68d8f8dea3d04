import type { ResolvedSampling } from './sampling-parameters.ts';
import { takeSmallest } from './take-smallest.ts';

/** Tokens to draw from. */
export interface LikelyTokens {
  readonly tokenIds: Int32Array;
  /** By token id, relative to the likeliest token, which has 1. */
  readonly weights: Float64Array;
}

/** A weight below exp(-64) is less than the last bit of the sum of all, for any vocabulary: no draw can tell. */
const farthest = 64;

/**
 * The tokens that temperature, top-k, top-p and min-p leave, in this order: top-p is a share of what top-k left, min-p a share
 * of the likeliest token.
 * @param largest the largest of the logits, finite
 */
export function keepLikely(
  logits: Float64Array,
  largest: number,
  { temperature, topK, topP, minP }: Pick<ResolvedSampling, 'temperature' | 'topK' | 'topP' | 'minP'>,
): LikelyTokens {
  // How far each token is behind the likeliest, in nats.
  const gaps = new Float64Array(logits.length);
  const weights = new Float64Array(logits.length);
  let tokenIds: Int32Array = new Int32Array(logits.length);
  let count = 0;
  for (let id = 0; id < logits.length; id++) {
    const gap = (largest - logits[id]!) / temperature;
    if (!(gap <= farthest)) continue;
    gaps[id] = gap;
    weights[id] = Math.exp(-gap);
    tokenIds[count++] = id;
  }
  tokenIds = tokenIds.subarray(0, count);
  if (topK < count) tokenIds = takeSmallest(tokenIds, gaps, () => 1, topK);
  if (topP < 1) tokenIds = takeSmallest(tokenIds, gaps, (id) => weights[id]!, topP * sumWeights(tokenIds, weights));
  if (minP > 0) tokenIds = tokenIds.filter((id) => weights[id]! >= minP);
  return { tokenIds, weights };
}

/** @param uniform in [0, 1) */
export function drawToken({ tokenIds, weights }: LikelyTokens, uniform: number): number {
  let left = uniform * sumWeights(tokenIds, weights);
  for (const id of tokenIds) {
    left -= weights[id]!;
    if (left < 0) return id;
  }
  // Rounding can leave a hair of the last weight.
  return tokenIds[tokenIds.length - 1]!;
}

function sumWeights(tokenIds: Int32Array, weights: Float64Array): number {
  let sum = 0;
  for (const id of tokenIds) sum += weights[id]!;
  return sum;
}
