import type { MoeOperation, Phase, Routing } from '@lowbit/core';

/** Chooses the experts of each row from its router logits, `[rows, numExperts]`, as `MoeOperation` says. */
export function route(
  logits: Float32Array,
  { topK, scoring, normalize, scale }: Pick<MoeOperation, 'topK' | 'scoring' | 'normalize' | 'scale'>,
  phases: readonly Phase[],
): Routing {
  const rows = phases.length;
  const numExperts = logits.length / rows;
  const experts = new Int32Array(rows * topK);
  const weights = new Float32Array(rows * topK);
  for (let row = 0; row < rows; row++) {
    const own = Array.from(logits.subarray(row * numExperts, (row + 1) * numExperts));
    const scores = scoring === 'softmax' ? softmax(own) : own.map((logit) => 1 / (1 + Math.exp(-logit)));
    const chosen = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, topK);
    const sum = normalize ? chosen.reduce((total, expert) => total + scores[expert]!, 0) : 1;
    chosen.forEach((expert, slot) => {
      experts[row * topK + slot] = expert;
      weights[row * topK + slot] = (scores[expert]! / sum) * scale;
    });
  }
  return { topK, experts, weights, phases };
}

function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}
