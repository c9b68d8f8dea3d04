import { describe, expect, it } from 'vitest';
import { excuseSensitiveModel, judgeActivationLogits, judgeLinearOutput } from './judge.ts';

const measures = { maxAbsDifference: 1, meanAbsDifference: 1, range: 20, relative: 0.05 };
const rule = "median token's largest difference <= 0.025 of the range";

describe('excuseSensitiveModel', () => {
  const failed = judgeActivationLogits({ ...measures, tokenMedian: 0.04 });
  const own = (tokenMedian: number) => ({ ...measures, tokenMedian });

  it('takes back a verdict that the model is too sensitive for', () => {
    expect(failed).toMatchObject({ status: 'failed', rule });
    expect(excuseSensitiveModel(failed, own(0.021))).toEqual({
      status: 'unchecked',
      rule: `${rule}; but rounding alone moves the median token of this model by 0.021 of the range`,
      measures: failed.measures,
    });
  });

  it('leaves a difference that rounding does not explain', () => {
    expect(excuseSensitiveModel(failed, own(0.019))).toEqual(failed);
    expect(excuseSensitiveModel(failed, measures)).toEqual(failed);
  });

  it('leaves what passed, and what is no number', () => {
    const passed = judgeActivationLogits({ ...measures, tokenMedian: 0.02 });
    expect(excuseSensitiveModel(passed, own(1))).toEqual(passed);
    const broken = judgeActivationLogits({ ...measures, tokenMedian: Number.POSITIVE_INFINITY });
    expect(excuseSensitiveModel(broken, own(1)).status).toBe('failed');
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
