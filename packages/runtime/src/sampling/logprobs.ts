import { largestIndices, logSumExp } from '@lowbit/core';
import type { TokenLogprob } from '../engine/generate-request.ts';
import type { RowLogits } from './row-logits.ts';

/**
 * A token's log probability in the distribution that the model gives, before penalties, temperature and filters.
 * @param row where not all of its logits: with `logSumExp`, holding the token and at least `top` logits, or all there are
 */
export function tokenLogprob(row: RowLogits, tokenId: number, top: number): TokenLogprob {
  if (row.kind === 'all') {
    const { logits } = row;
    const normalizer = logSumExp(logits);
    const logprobOf = (id: number) => logits[id]! - normalizer;
    const best = Array.from(largestIndices(logits, top), (id) => ({ tokenId: id, logprob: logprobOf(id) }));
    return { tokenId, logprob: logprobOf(tokenId), top: best };
  }
  const { tokenIds, logits } = row;
  const logprobAt = (place: number) => logits[place]! - row.logSumExp!;
  const best = Array.from(tokenIds.subarray(0, top), (id, place) => ({ tokenId: id, logprob: logprobAt(place) }));
  return { tokenId, logprob: logprobAt(tokenIds.indexOf(tokenId)), top: best };
}
