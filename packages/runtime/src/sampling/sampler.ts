import { LowbitError } from '@lowbit/core';
import { largestIndices } from './logprobs.ts';
import { createRandom } from './random.ts';
import type { ResolvedSampling } from './sampling-parameters.ts';

/** Picks the tokens of one sequence. */
export interface Sampler {
  /**
   * @param logits one row, `[vocab]`; not changed
   * @param outputTokenIds tokens generated so far
   * @throws LowbitError LOGITS where the row holds no number to pick
   */
  next(logits: Float32Array, outputTokenIds: readonly number[]): number;
}

/**
 * The order is that of the serving engines: bias and penalties, stop tokens masked while too few tokens are out,
 * temperature, then the filters top-k, top-p and min-p, then one draw. Each sequence draws from its own seed, so its
 * neighbours in the batch change nothing.
 */
export function createSampler(
  sampling: ResolvedSampling,
  { promptTokenIds }: { readonly promptTokenIds: readonly number[] },
): Sampler {
  const random = createRandom(sampling.seed);
  const promptTokens = new Set(promptTokenIds);
  return {
    next(logits, outputTokenIds) {
      const adjusted = adjust(logits, outputTokenIds, promptTokens, sampling);
      if (sampling.temperature === 0) return pickLargest(adjusted);
      const candidates = keepLikely(adjusted, sampling);
      return draw(candidates, random());
    },
  };
}

function adjust(
  logits: Float32Array,
  outputTokenIds: readonly number[],
  promptTokens: ReadonlySet<number>,
  sampling: ResolvedSampling,
): Float64Array {
  const adjusted = Float64Array.from(logits);
  for (const [id, bias] of sampling.logitBias) adjusted[id]! += bias;

  const occurrences = new Map<number, number>();
  for (const id of outputTokenIds) occurrences.set(id, (occurrences.get(id) ?? 0) + 1);
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = sampling;
  if (repetitionPenalty !== 1) {
    // Source: Keskar et al., "CTRL" (2019), in the sign-aware form that all engines use.
    for (const id of new Set([...promptTokens, ...occurrences.keys()])) {
      const logit = adjusted[id]!;
      adjusted[id] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
    }
  }
  for (const [id, count] of occurrences) adjusted[id]! -= presencePenalty + frequencyPenalty * count;

  if (outputTokenIds.length < sampling.minTokens) {
    for (const id of sampling.stopTokenIds) adjusted[id] = Number.NEGATIVE_INFINITY;
  }
  return adjusted;
}

interface Candidates {
  readonly tokenIds: readonly number[];
  /** Relative to the likeliest token, which has 1. */
  readonly weights: readonly number[];
}

function keepLikely(logits: Float64Array, { temperature, topK, topP, minP }: ResolvedSampling): Candidates {
  const largest = logits[pickLargest(logits)]!;
  const weights = logits.map((logit) => Math.exp((logit - largest) / temperature));
  const weightsOf = (tokenIds: readonly number[]) => tokenIds.map((id) => weights[id]!);
  if (topK === logits.length && topP === 1 && minP === 0) {
    return { tokenIds: [...weights.keys()], weights: [...weights] };
  }
  const sorted = topK < logits.length ? largestIndices(logits, topK) : sortLikely(weights, topP, minP);
  const share = topK < logits.length ? weightsOf(sorted) : weights;
  const kept = countNucleus(weightsOf(sorted), topP * sum(share));
  const tokenIds = sorted.slice(0, kept).filter((id, index) => index === 0 || weights[id]! >= minP);
  return { tokenIds, weights: weightsOf(tokenIds) };
}

/** How many of the first weights are needed to reach `wanted`. */
function countNucleus(sorted: readonly number[], wanted: number): number {
  let reached = 0;
  const last = sorted.findIndex((weight) => {
    reached += weight;
    return reached >= wanted;
  });
  return last < 0 ? sorted.length : last + 1;
}

/** Token ids, likeliest first, of all that top-p and min-p can keep: the long tail is seldom worth sorting. */
function sortLikely(weights: Float64Array, topP: number, minP: number): number[] {
  const wanted = topP * sum(weights);
  for (const floor of [1e-3, 1e-6]) {
    const likely = [...weights.keys()].filter((id) => weights[id]! >= floor);
    const reaches = likely.reduce((total, id) => total + weights[id]!, 0) >= wanted;
    if (reaches || floor <= minP) return sortByWeight(likely, weights);
  }
  return sortByWeight([...weights.keys()], weights);
}

function sortByWeight(tokenIds: number[], weights: Float64Array): number[] {
  return tokenIds.sort((a, b) => weights[b]! - weights[a]! || a - b);
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** @param uniform in [0, 1) */
function draw({ tokenIds, weights }: Candidates, uniform: number): number {
  let left = uniform * sum(weights);
  const index = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  // Rounding can leave a hair of the last weight.
  return tokenIds[index < 0 ? weights.findLastIndex((weight) => weight > 0) : index]!;
}

/** The likeliest token; of equals, the lowest id. */
function pickLargest(logits: Float64Array): number {
  const [best = 0] = largestIndices(logits, 1);
  const unfit = logits.find(Number.isNaN) ?? logits[best]!;
  if (Number.isFinite(unfit)) return best;
  throw new LowbitError({
    code: 'LOGITS',
    message: `the model's logits hold ${unfit} where the likeliest token should be`,
    remedy: 'The weights are damaged or do not fit the architecture: run lowbit verify on a record of this model.',
  });
}
