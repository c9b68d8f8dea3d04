import type { ExpertGroups, MoeOperation, Phase, Routing } from '@lowbit/core';

/**
 * Chooses the experts of each row from its router logits, `[rows, numExperts]`, as `MoeOperation` says; `choiceBias` is
 * its vector, `[numExperts]`.
 */
export function route(
  logits: Float32Array,
  {
    topK,
    scoring,
    normalize,
    scale,
    groups,
  }: Pick<MoeOperation, 'topK' | 'scoring' | 'normalize' | 'scale' | 'groups'>,
  phases: readonly Phase[],
  choiceBias?: Float32Array,
): Routing {
  const rows = phases.length;
  const numExperts = logits.length / rows;
  const experts = new Int32Array(rows * topK);
  const weights = new Float32Array(rows * topK);
  for (let row = 0; row < rows; row++) {
    const own = Array.from(logits.subarray(row * numExperts, (row + 1) * numExperts));
    const scores = scoring === 'softmax' ? softmax(own) : own.map((logit) => 1 / (1 + Math.exp(-logit)));
    const biased = choiceBias ? scores.map((score, expert) => score + choiceBias[expert]!) : scores;
    const chosen = best(groups ? expertsOf(groups, biased) : [...biased.keys()], biased, topK);
    const sum = normalize ? chosen.reduce((total, expert) => total + scores[expert]!, 0) : 1;
    chosen.forEach((expert, slot) => {
      experts[row * topK + slot] = expert;
      weights[row * topK + slot] = (scores[expert]! / sum) * scale;
    });
  }
  return { topK, experts, weights, phases };
}

/** The `count` of `candidates`, ascending numbers, with the highest scores; of equals, the lowest. */
function best(candidates: readonly number[], scores: readonly number[], count: number): readonly number[] {
  return [...candidates].sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, count);
}

/** The experts of the best groups. */
function expertsOf({ count, chosen, score }: ExpertGroups, scores: readonly number[]): readonly number[] {
  const size = scores.length / count;
  const groups = Array.from({ length: count }, (_, group) => Array.from({ length: size }, (_, i) => group * size + i));
  const groupScores = groups.map((experts) => {
    const [first = 0, second = 0] = best(experts, scores, 2).map((expert) => scores[expert]!);
    return score === 'largest' ? first : first + second;
  });
  return best([...groups.keys()], groupScores, chosen).flatMap((group) => groups[group]!);
}

function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}
