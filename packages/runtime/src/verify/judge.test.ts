import { describe, expect, it } from 'vitest';
import { judgeActivationLogits, judgeLinearOutput } from './judge.ts';

const measures = { maxAbsDifference: 1, meanAbsDifference: 1, range: 20, relative: 0.05 };

describe('judgeActivationLogits', () => {
  const rule = "median token's largest difference <= 0.025 of the range";
  const judge = (tokenMedian: number, agreeingTokens: number) => {
    const { status, rule: why } = judgeActivationLogits({ ...measures, tokenMedian, tokens: 33, agreeingTokens });
    return `${status}: ${why}`;
  };

  it('goes by the median token', () => {
    expect(judge(0.025, 0)).toBe(`passed: ${rule}`);
    expect(judge(0.026, 0)).toBe(`failed: ${rule}`);
    expect(judge(Number.POSITIVE_INFINITY, 0)).toBe(`failed: ${rule}`);
  });

  it('excuses nothing for a start that agrees', () => {
    expect(judge(0.026, 7)).toBe(`failed: ${rule}`);
  });
});

describe('judgeLinearOutput', () => {
  const settled = (rowRelative: number) => ({ measures: { ...measures, rowRelative }, flippedRows: [2, 5] });
  const outputRule = "largest difference <= 0.00001 of each row's largest output";

  it('needs no excuse where the numbers agree', () => {
    const close = { ...measures, rowRelative: 1e-6 };
    expect(judgeLinearOutput(close, undefined, settled(1e-7))).toEqual({
      status: 'passed',
      rule: outputRule,
      measures: close,
    });
  });

  it('names the rows where a code at its tie went the other way, whether that explains all or not', () => {
    const far = { ...measures, rowRelative: 1e-3 };
    const tied = `${outputRule}, after the input at its rounding tie takes the neighbouring code in rows 2, 5`;
    const measured = { ...far, flippedRows: [2, 5] };
    expect(judgeLinearOutput(far, undefined, settled(1e-6))).toEqual({
      status: 'passed',
      rule: tied,
      measures: measured,
    });
    expect(judgeLinearOutput(far, undefined, settled(1e-4))).toEqual({
      status: 'failed',
      rule: tied,
      measures: measured,
    });
    expect(judgeLinearOutput(far)).toEqual({ status: 'failed', rule: outputRule, measures: far });
  });
});
