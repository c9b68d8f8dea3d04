import { describe, expect, it } from 'vitest';
import { compareLogits, compareRows, compareValues } from './compare.ts';

const floats = (...values: number[]) => Float32Array.from(values);

describe('compareValues', () => {
  it('measures against the range of the record', () => {
    expect(compareValues(floats(-2, 0, 2), floats(-2, 0.5, 2.25))).toEqual({
      maxAbsDifference: 0.5,
      meanAbsDifference: 0.25,
      range: 4,
      relative: 0.125,
      differing: 2,
    });
  });

  it('counts bits, not values: the sign of zero differs', () => {
    expect(compareValues(floats(0, 1), floats(-0, 1))).toMatchObject({
      differing: 1,
      maxAbsDifference: 0,
      relative: 0,
    });
  });

  it('takes a NaN for infinitely far', () => {
    expect(compareValues(floats(0, 1), floats(Number.NaN, 1)).relative).toBe(Number.POSITIVE_INFINITY);
  });

  it('takes a difference from a constant record for infinitely large', () => {
    expect(compareValues(floats(1, 1), floats(1, 1.5)).relative).toBe(Number.POSITIVE_INFINITY);
    expect(compareValues(floats(1, 1), floats(1, 1)).relative).toBe(0);
  });
});

describe('compareRows', () => {
  it('measures each row against its own largest magnitude', () => {
    const measures = compareRows(floats(100, -100, 0.5, -1), floats(101, -100, 0.5, -1.5), 2);
    expect(measures).toMatchObject({ rowRelative: 0.5, maxAbsDifference: 1 });
  });
});

describe('compareLogits', () => {
  it('adds per-token measures', () => {
    const recorded = floats(0, 4, 4, 0, 0, 0);
    const computed = floats(0, 4, 3, 0, 0, 1);
    const measures = compareLogits(recorded, computed, 2);
    expect(measures).toMatchObject({ tokenMedian: 1 / 4, tokens: 3, agreeingTokens: 1 });
    expect(measures.top1Agreement).toBeCloseTo(2 / 3, 12);
    const divergence = (p: number, q: number) => p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const expected = (divergence(sigmoid(4), sigmoid(3)) + divergence(sigmoid(0), sigmoid(-1))) / 3;
    expect(measures.klDivergence).toBeCloseTo(expected, 12);
  });

  it('finds nothing between equal runs', () => {
    const row = floats(1, 2, 3, 4);
    expect(compareLogits(row, row, 2)).toMatchObject({
      relative: 0,
      tokenMedian: 0,
      agreeingTokens: 2,
      top1Agreement: 1,
      klDivergence: 0,
    });
  });
});
