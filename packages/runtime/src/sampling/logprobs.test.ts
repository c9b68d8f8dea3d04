import { selectTopLogits } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { tokenLogprob } from './logprobs.ts';

describe('tokenLogprob', () => {
  it('is the log of the softmax, with the best alternatives', () => {
    const logits = Float32Array.from([0.5, 0.25, 0.125, 0.125], Math.log);
    const row = { kind: 'all', logits } as const;
    const { logprob, top } = tokenLogprob(row, 2, 2);
    expect(logprob).toBeCloseTo(Math.log(0.125), 6);
    expect(top.map(({ tokenId }) => tokenId)).toEqual([0, 1]);
    expect(top[1]!.logprob).toBeCloseTo(Math.log(0.25), 6);
    expect(tokenLogprob(row, 0, 0).top).toEqual([]);
  });

  it('is the same from the largest logits and the sum of all', () => {
    const logits = Float32Array.of(1, 4, -2, 4, 0);
    const { tokenIds, values, logSumExp } = selectTopLogits(logits, 5, { counts: Int32Array.of(3), logSumExp: true });
    const row = { kind: 'largest', tokenIds, logits: values, logSumExp: logSumExp![0]! } as const;
    for (const top of [0, 2, 3]) {
      expect(tokenLogprob(row, 3, top)).toEqual(tokenLogprob({ kind: 'all', logits }, 3, top));
    }
  });
});
