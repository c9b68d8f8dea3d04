import { LowbitError } from '@lowbit/core';
import { drawToken, keepLikely } from './likely-tokens.ts';
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
  return {
    next(logits, outputTokenIds) {
      const adjusted = adjust(logits, outputTokenIds, promptTokens, sampling);
      const likeliest = pickLargest(adjusted);
      if (sampling.temperature === 0) return likeliest;
      return drawToken(keepLikely(adjusted, adjusted[likeliest]!, sampling), random());
    },
  };
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

/** The likeliest token; of equals, the lowest id. */
function pickLargest(logits: Float64Array): number {
  let best = 0;
  let unfit: number | undefined;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (logit > logits[best]!) best = id;
    if (Number.isNaN(logit)) unfit = logit;
  }
  unfit ??= logits[best]!;
  if (Number.isFinite(unfit)) return best;
  throw new LowbitError({
    code: 'LOGITS',
    message: `the model's logits hold ${unfit} where the likeliest token should be`,
    remedy: 'The weights are damaged or do not fit the architecture: run lowbit verify on a record of this model.',
  });
}
