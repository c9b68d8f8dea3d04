import type { TokenLogprob } from '../engine/generate-request.ts';
import { takeSmallest } from './take-smallest.ts';

/** A token's log probability in the distribution that the model gives, before penalties, temperature and filters. */
export function tokenLogprob(logits: Float32Array, tokenId: number, top: number): TokenLogprob {
  const normalizer = logSumExp(logits);
  const logprobOf = (id: number) => logits[id]! - normalizer;
  return {
    tokenId,
    logprob: logprobOf(tokenId),
    top: largestIndices(logits, top).map((id) => ({ tokenId: id, logprob: logprobOf(id) })),
  };
}

/** log(sum(exp(values))), safe for large values. */
export function logSumExp(values: ArrayLike<number>): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index++) if (values[index]! > largest) largest = values[index]!;
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += Math.exp(values[index]! - largest);
  return largest + Math.log(sum);
}

/** Indices of the `count` largest values, largest first; of equals, the lowest index. */
export function largestIndices(values: ArrayLike<number>, count: number): number[] {
  if (count <= 0) return [];
  const all = new Int32Array(values.length);
  const negated = new Float64Array(values.length);
  for (let index = 0; index < values.length; index++) {
    all[index] = index;
    negated[index] = -values[index]!;
  }
  const taken = takeSmallest(all, negated, () => 1, count);
  return [...taken.sort((a, b) => negated[a]! - negated[b]! || a - b)];
}
