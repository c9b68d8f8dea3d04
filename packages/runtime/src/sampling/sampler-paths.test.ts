import { selectTopLogits } from '@lowbit/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveSampling } from './resolve-sampling.ts';
import type { RowLogits } from './row-logits.ts';
import { createSampler, type Sampler } from './sampler.ts';
import type { SamplingParameters } from './sampling-parameters.ts';

function create(parameters: SamplingParameters, vocabSize: number): Sampler {
  const limits = { maxTokens: 100, vocabSize, eosTokenIds: [] };
  return createSampler(resolveSampling(parameters, {}, limits), { promptTokenIds: [] });
}

function largestOf(logits: Float32Array, count: number): RowLogits {
  const { tokenIds, values } = selectTopLogits(logits, logits.length, {
    counts: Int32Array.of(count),
    logSumExp: false,
  });
  return { kind: 'largest', tokenIds, logits: values };
}

/** The token, or what was thrown instead. */
function outcome(pick: () => number): number | string {
  try {
    return pick();
  } catch (error) {
    return (error as Error).message;
  }
}

const usual = fc.float({ min: -30, max: 30, noNaN: true });
const logit = fc.oneof(
  { weight: 6, arbitrary: usual },
  { weight: 6, arbitrary: fc.integer({ min: -2, max: 2 }) },
  // Differences that vanish next to a larger logit.
  { weight: 2, arbitrary: fc.float({ min: Math.fround(-1e-30), max: Math.fround(1e-30), noNaN: true }) },
  { weight: 1, arbitrary: fc.float({ noNaN: true }) },
  { weight: 1, arbitrary: fc.constant(Number.NEGATIVE_INFINITY) },
);
const unfit = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 0, 0, 0, 0, 0, 0);
const row = fc
  .tuple(fc.array(logit, { minLength: 1, maxLength: 60 }), unfit, fc.nat())
  .map(([logits, one, place]) => Float32Array.from(logits, (each, id) => (id === place % 60 ? one : each)));
const parameters = fc.record({
  seed: fc.integer(),
  temperature: fc.constantFrom(0, 0.05, 0.6, 1, 3),
  topK: fc.integer({ min: 1, max: 70 }),
  topP: fc.constantFrom(1, 0.95, 0.5, 1e-9),
  minP: fc.constantFrom(0, 0, 0.05, 1),
});

describe('the largest logits', () => {
  it('give the very tokens, or errors, that all logits give, draw by draw', () => {
    fc.assert(
      fc.property(row, parameters, fc.nat(20), (logits, sampling, more) => {
        const [fromAll, fromLargest] = [create(sampling, logits.length), create(sampling, logits.length)];
        const { count } = fromLargest;
        expect(count).toBe(sampling.temperature === 0 ? 1 : Math.min(sampling.topK, logits.length));
        const largest = largestOf(logits, Math.min(count + more, logits.length));
        for (let draw = 0; draw < 8; draw++) {
          expect(outcome(() => fromLargest.next(largest, []))).toBe(
            outcome(() => fromAll.next({ kind: 'all', logits }, [])),
          );
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('do so in a vocabulary of usual size', () => {
    const logits = Float32Array.from({ length: 50_000 }, (_, id) => Math.fround(9 * Math.sin(id * id)));
    const sampling = { seed: 3, temperature: 0.9, topK: 256, topP: 0.9 };
    const [fromAll, fromLargest] = [create(sampling, logits.length), create(sampling, logits.length)];
    const largest = largestOf(logits, fromLargest.count);
    const draws = Array.from({ length: 300 }, () => fromLargest.next(largest, []));
    expect(draws).toEqual(Array.from({ length: 300 }, () => fromAll.next({ kind: 'all', logits }, [])));
    expect(new Set(draws).size).toBeGreaterThan(100);
  });
});

describe('all logits', () => {
  it.each<[string, SamplingParameters]>([
    ['no top-k', {}],
    ['no top-k, but top-p', { topP: 0.9 }],
    ['a top-k above 256', { topK: 257 }],
    ['a bias', { topK: 5, logitBias: { 3: 1 } }],
    ['a repetition penalty', { topK: 5, repetitionPenalty: 1.1 }],
    ['a presence penalty', { topK: 5, presencePenalty: 0.5 }],
    ['a frequency penalty', { temperature: 0, frequencyPenalty: 0.5 }],
    ['tokens that must not end yet', { temperature: 0, minTokens: 2 }],
  ])('are needed for %s', (_, sampling) => {
    expect(create(sampling, 1000).count).toBe(0);
  });

  it('are not needed for others', () => {
    expect(create({ temperature: 0, topK: 1000, topP: 0.5 }, 1000).count).toBe(1);
    expect(create({ topK: 256, minP: 0.1 }, 1000).count).toBe(256);
  });
});
