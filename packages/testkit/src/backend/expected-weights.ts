import type { MoeOperation } from '@lowbit/core';

/**
 * The weight of every expert for one row, 0 for those that are not chosen, from the definition: an expert is chosen when
 * its group is and fewer than `topK` experts of chosen groups go before it.
 */
export function expectedWeights(
  { topK, scoring, normalize, scale, groups = { count: 1, chosen: 1, score: 'largest' } }: MoeOperation,
  logits: readonly number[],
  bias: ArrayLike<number>,
): readonly number[] {
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
  const scores = logits.map((logit) => (scoring === 'softmax' ? Math.exp(logit) / total : 1 / (1 + Math.exp(-logit))));
  const biased = scores.map((score, expert) => score + bias[expert]!);

  const size = logits.length / groups.count;
  const groupScores = Array.from({ length: groups.count }, (_, group) => {
    const [first = 0, second = 0] = biased.slice(group * size, (group + 1) * size).sort((a, b) => b - a);
    return groups.score === 'largest' ? first : first + second;
  });
  const takesPart = biased.map((_, expert) => rankOf(Math.floor(expert / size), groupScores) < groups.chosen);
  const candidates = biased.map((score, expert) => (takesPart[expert] ? score : Number.NEGATIVE_INFINITY));
  const chosen = scores.map((score, expert) => (rankOf(expert, candidates) < topK ? score : 0));
  const sum = normalize ? chosen.reduce((all, score) => all + score, 0) : 1;
  return chosen.map((score) => (scale * score) / sum);
}

/** How many go before this one: those with a higher score, and of equals those with a lower index. */
function rankOf(index: number, scores: readonly number[]): number {
  const own = scores[index]!;
  return scores.filter((score, other) => score > own || (score === own && other < index)).length;
}
