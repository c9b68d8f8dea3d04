import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largestIndices, logSumExp, tokenLogprob } from './logprobs.ts';

describe('tokenLogprob', () => {
  it('is the log of the softmax, with the best alternatives', () => {
    const logits = Float32Array.from([0.5, 0.25, 0.125, 0.125], Math.log);
    const { logprob, top } = tokenLogprob(logits, 2, 2);
    expect(logprob).toBeCloseTo(Math.log(0.125), 6);
    expect(top.map(({ tokenId }) => tokenId)).toEqual([0, 1]);
    expect(top[1]!.logprob).toBeCloseTo(Math.log(0.25), 6);
    expect(tokenLogprob(logits, 0, 0).top).toEqual([]);
  });

  it('stands large logits', () => {
    expect(logSumExp([1000, 1000])).toBeCloseTo(1000 + Math.log(2), 10);
    expect(logSumExp([-1000, Number.NEGATIVE_INFINITY])).toBe(-1000);
  });
});

describe('largestIndices', () => {
  it('is the head of a stable sort', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 })), fc.integer({ min: 0, max: 12 }), (values, count) => {
        const sorted = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b);
        expect(largestIndices(values, count)).toEqual(sorted.slice(0, count));
      }),
    );
  });
});
