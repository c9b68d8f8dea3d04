import { LowbitError } from '@lowbit/core';
import { drawPlace, keepLikely } from './likely-tokens.ts';
import { createRandom } from './random.ts';
import { mostLargest, type RowLogits } from './row-logits.ts';
import type { ResolvedSampling } from './sampling-parameters.ts';
import { takeSmallest } from './take-smallest.ts';

/** Picks the tokens of one sequence. */
export interface Sampler {
  /** How many of the largest logits `next` needs to pick the very token that it picks from all of them; 0: it needs all. */
  readonly count: number;
  /**
   * @param row all logits or at least `count` of the largest; not changed
   * @param outputTokenIds tokens generated so far
   * @throws LowbitError LOGITS where the row holds no number to pick
   */
  next(row: RowLogits, outputTokenIds: readonly number[]): number;
}

/** Tokens that may be drawn, by id. */
interface Candidates {
  /** Absent: all of the vocabulary. */
  readonly tokenIds?: Int32Array;
  readonly logits: ArrayLike<number>;
  readonly largest: number;
}

/**
 * The order is that of the serving engines: bias and penalties, stop tokens masked while too few tokens are out,
 * temperature, then the filters top-k, top-p and min-p, then one draw. Where engines differ: top-p is a share of what top-k
 * left, as in vLLM, Transformers and SGLang with min-p; SGLang without min-p takes a share of everything. Each sequence draws
 * from its own seed, so its neighbours in the batch change nothing.
 */
export function createSampler(
  sampling: ResolvedSampling,
  { promptTokenIds }: { readonly promptTokenIds: readonly number[] },
): Sampler {
  const random = createRandom(sampling.seed);
  const promptTokens = new Set(promptTokenIds);
  const greedy = sampling.temperature === 0;
  const topK = greedy ? 1 : sampling.topK;
  return {
    count: changesLogits(sampling) || topK > mostLargest ? 0 : topK,
    next(row, outputTokenIds) {
      const candidates =
        row.kind === 'all'
          ? chooseLargest(adjust(row.logits, outputTokenIds, promptTokens, sampling), topK)
          : byTokenId(row.tokenIds.subarray(0, topK), row.logits);
      const place = greedy ? 0 : drawPlace(keepLikely(candidates.logits, candidates.largest, sampling), random());
      return candidates.tokenIds?.[place] ?? place;
    },
  };
}

/** Does a token's logit depend on more than the model? */
function changesLogits(sampling: ResolvedSampling): boolean {
  const { logitBias, repetitionPenalty, presencePenalty, frequencyPenalty, minTokens } = sampling;
  return (
    logitBias.size > 0 || repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0 || minTokens > 0
  );
}

function adjust(
  logits: Float32Array,
  outputTokenIds: readonly number[],
  promptTokens: ReadonlySet<number>,
  sampling: ResolvedSampling,
): Float64Array {
  const adjusted = new Float64Array(logits);
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

/** The `topK` largest of all logits. */
function chooseLargest(logits: Float64Array, topK: number): Candidates {
  let likeliest = 0;
  for (let id = 0; id < logits.length; id++) {
    if (logits[id]! > logits[likeliest]!) likeliest = id;
    if (Number.isNaN(logits[id])) requireFinite(Number.NaN);
  }
  const largest = requireFinite(logits[likeliest]!);
  if (topK === 1) return { tokenIds: Int32Array.of(likeliest), logits: [largest], largest };
  if (topK >= logits.length) return { logits, largest };
  const ids = new Int32Array(logits.length);
  const negated = new Float64Array(logits.length);
  for (let id = 0; id < logits.length; id++) {
    ids[id] = id;
    negated[id] = -logits[id]!;
  }
  const tokenIds = takeSmallest(ids, negated, () => 1, topK).sort();
  return { tokenIds, logits: Float64Array.from(tokenIds, (id) => logits[id]!), largest };
}

/** Draws go through tokens in the order of their ids, wherever the largest logits were found. */
function byTokenId(falling: Int32Array, logits: ArrayLike<number>): Candidates {
  const largest = requireFinite(logits[0]!);
  const order = Array.from(falling.keys()).sort((a, b) => falling[a]! - falling[b]!);
  return {
    tokenIds: Int32Array.from(order, (place) => falling[place]!),
    logits: Float64Array.from(order, (place) => logits[place]!),
    largest,
  };
}

function requireFinite(largest: number): number {
  if (Number.isFinite(largest)) return largest;
  throw new LowbitError({
    code: 'LOGITS',
    message: `the model's logits hold ${largest} where the likeliest token should be`,
    remedy: 'The weights are damaged or do not fit the architecture: run lowbit verify on a record of this model.',
  });
}
