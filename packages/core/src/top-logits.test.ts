import { describe, expect, it } from 'vitest';
import type { Batch } from './backend.ts';
import type { ModelProgram } from './program.ts';
import { checkTopRequest, selectTopLogits } from './top-logits.ts';

describe('selectTopLogits', () => {
  const logits = Float32Array.of(0, 2, 2, 1, 9, 8, 7, 6, -1, 5, Number.NaN, 5);

  it('gives the largest of some rows and all of others', () => {
    const top = selectTopLogits(logits, 4, { counts: Int32Array.of(3, 0, 2), logSumExp: false });
    expect([...top.tokenIds]).toEqual([1, 2, 3, 2, 1]);
    expect([...top.values]).toEqual([2, 2, 1, Number.NaN, 5]);
    expect([...top.logits]).toEqual([9, 8, 7, 6]);
    expect(top.logSumExp).toBeUndefined();
  });

  it('sums up the rows with a count, where asked for', () => {
    const { logSumExp } = selectTopLogits(logits, 4, { counts: Int32Array.of(1, 0, 1), logSumExp: true });
    expect(logSumExp).toHaveLength(2);
    expect(logSumExp![0]).toBeCloseTo(Math.log(1 + 2 * Math.exp(2) + Math.exp(1)), 12);
    expect(logSumExp![1]).toBeNaN();
  });
});

describe('checkTopRequest', () => {
  const batch = { logitRows: Int32Array.of(0, 1) } as Partial<Batch> as Batch;
  const program = { vocabSize: 4 } as Partial<ModelProgram> as ModelProgram;
  const check = (...counts: number[]) =>
    checkTopRequest({ counts: Int32Array.from(counts), logSumExp: false }, batch, program);

  it('lets counts from 0 to the vocabulary pass', () => {
    expect(() => check(0, 4)).not.toThrow();
  });

  it.each([
    [[1], 'batch: 1 counts for 2 rows of logits'],
    [[1, 5], 'batch: 5 logits of row 1, expected 0 to 4'],
    [[-1, 0], 'batch: -1 logits of row 0, expected 0 to 4'],
  ])('refuses %j', (counts, message) => {
    expect(() => check(...counts)).toThrow(message);
  });
});
