import type { TokenLogprob } from '../engine/generate-request.ts';

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
  for (let index = 0; index < values.length; index++) largest = Math.max(largest, values[index]!);
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += Math.exp(values[index]! - largest);
  return largest + Math.log(sum);
}

/** Indices of the `count` largest values, largest first; of equals, the lowest index. */
export function largestIndices(values: ArrayLike<number>, count: number): number[] {
  const kept: number[] = [];
  if (count <= 0) return kept;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (kept.length === count && value <= values[kept[count - 1]!]!) continue;
    let place = kept.length;
    while (place > 0 && values[kept[place - 1]!]! < value) place--;
    kept.splice(place, 0, index);
    if (kept.length > count) kept.pop();
  }
  return kept;
}
