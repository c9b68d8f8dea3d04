import type { ResolvedSampling } from './sampling-parameters.ts';
import { takeSmallest } from './take-smallest.ts';

/** Tokens to draw from. */
export interface LikelyTokens {
  /** Places among the candidates. */
  readonly places: Int32Array;
  /** By place, relative to the likeliest token, which has 1. */
  readonly weights: Float64Array;
}

/** A weight below exp(-64) is less than the last bit of the sum of all, for any vocabulary: no draw can tell. */
const farthest = 64;

/**
 * Those candidates that temperature, top-p and min-p leave, in this order: top-p is a share of all candidates, min-p a share of the
 * likeliest.
 * @param logits of the candidates that top-k left, by token id
 * @param largest the largest of them, finite
 */
export function keepLikely(
  logits: ArrayLike<number>,
  largest: number,
  { temperature, topP, minP }: Pick<ResolvedSampling, 'temperature' | 'topP' | 'minP'>,
): LikelyTokens {
  // How far each token is behind the likeliest, in nats.
  const gaps = new Float64Array(logits.length);
  const weights = new Float64Array(logits.length);
  let places: Int32Array = new Int32Array(logits.length);
  let count = 0;
  for (let place = 0; place < logits.length; place++) {
    const gap = (largest - logits[place]!) / temperature;
    if (!(gap <= farthest)) continue;
    gaps[place] = gap;
    weights[place] = Math.exp(-gap);
    places[count++] = place;
  }
  places = places.subarray(0, count);
  if (topP < 1) places = takeSmallest(places, gaps, (place) => weights[place]!, topP * sumWeights(places, weights));
  if (minP > 0) places = places.filter((place) => weights[place]! >= minP);
  return { places, weights };
}

/**
 * @param uniform in [0, 1)
 * @returns a place among the candidates
 */
export function drawPlace({ places, weights }: LikelyTokens, uniform: number): number {
  let left = uniform * sumWeights(places, weights);
  for (const place of places) {
    left -= weights[place]!;
    if (left < 0) return place;
  }
  // Rounding can leave a hair of the last weight.
  return places[places.length - 1]!;
}

function sumWeights(places: Int32Array, weights: Float64Array): number {
  let sum = 0;
  for (const place of places) sum += weights[place]!;
  return sum;
}
