import { logSumExp } from '@lowbit/core';
import { median } from '../median.ts';

import { limits } from './limits.ts';
import type { RecordMeasures } from './verify-report.ts';

/** How far `computed` is from `recorded`, as one list of numbers. */
export function compareValues(recorded: Float32Array, computed: Float32Array): RecordMeasures {
  let maxAbsDifference = 0;
  let sum = 0;
  let differing = 0;
  let smallest = Number.POSITIVE_INFINITY;
  let largest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < recorded.length; index++) {
    const expected = recorded[index]!;
    const actual = computed[index]!;
    smallest = Math.min(smallest, expected);
    largest = Math.max(largest, expected);
    if (Object.is(expected, actual)) continue;
    differing++;
    // A NaN is as far away as anything can be.
    const difference = Math.abs(expected - actual);
    maxAbsDifference = Math.max(maxAbsDifference, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    sum += difference;
  }
  const range = recorded.length === 0 ? 0 : largest - smallest;
  return {
    maxAbsDifference,
    meanAbsDifference: recorded.length === 0 ? 0 : sum / recorded.length,
    range,
    relative: relativeTo(range, maxAbsDifference),
    differing,
  };
}

/** `compareValues`, and the worst row on its own scale. */
export function compareRows(recorded: Float32Array, computed: Float32Array, rows: number): RecordMeasures {
  const width = recorded.length / rows;
  let rowRelative = 0;
  for (let row = 0; row < rows; row++) {
    const expected = recorded.subarray(row * width, (row + 1) * width);
    const { maxAbsDifference } = compareValues(expected, computed.subarray(row * width, (row + 1) * width));
    const largest = expected.reduce((best, value) => Math.max(best, Math.abs(value)), 0);
    rowRelative = Math.max(rowRelative, relativeTo(largest, maxAbsDifference));
  }
  return { ...compareValues(recorded, computed), rowRelative };
}

/** `compareValues`, and what matters of logits: per token, the likeliest next token, and the distributions. */
export function compareLogits(recorded: Float32Array, computed: Float32Array, vocabSize: number): RecordMeasures {
  const measures = compareValues(recorded, computed);
  const tokens = recorded.length / vocabSize;
  const largestDifferences: number[] = [];
  let agreeing = 0;
  let divergence = 0;
  for (let token = 0; token < tokens; token++) {
    const expected = recorded.subarray(token * vocabSize, (token + 1) * vocabSize);
    const actual = computed.subarray(token * vocabSize, (token + 1) * vocabSize);
    largestDifferences.push(compareValues(expected, actual).maxAbsDifference);
    if (indexOfLargest(expected) === indexOfLargest(actual)) agreeing++;
    divergence += klDivergence(expected, actual);
  }
  return {
    ...measures,
    tokenMedian: relativeTo(measures.range, median(largestDifferences)),
    tokens,
    agreeingTokens: agreeingStart(largestDifferences, measures.range),
    top1Agreement: agreeing / tokens,
    klDivergence: divergence / tokens,
  };
}

/** How many tokens from the first on are within 1e-3 of the range. */
function agreeingStart(largestDifferences: readonly number[], range: number): number {
  const first = largestDifferences.findIndex((difference) => !(relativeTo(range, difference) <= limits.logits));
  return first < 0 ? largestDifferences.length : first;
}

function relativeTo(range: number, difference: number): number {
  return difference === 0 ? 0 : difference / range;
}

function indexOfLargest(values: Float32Array): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) if (values[index]! > values[best]!) best = index;
  return best;
}

/** Sum of p log(p / q) in nats, p and q the softmax of the two rows. */
function klDivergence(p: Float32Array, q: Float32Array): number {
  const normalizeP = logSumExp(p);
  const normalizeQ = logSumExp(q);
  let sum = 0;
  for (let index = 0; index < p.length; index++) {
    const logP = p[index]! - normalizeP;
    sum += Math.exp(logP) * (logP - (q[index]! - normalizeQ));
  }
  return sum;
}
