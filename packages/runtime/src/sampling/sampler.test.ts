import { describe, expect, it } from 'vitest';
import { resolveSampling } from './resolve-sampling.ts';
import { createSampler } from './sampler.ts';
import type { SamplingParameters } from './sampling-parameters.ts';

const limits = { maxTokens: 1000, vocabSize: 6, eosTokenIds: [5] };

function sampler(parameters: SamplingParameters, promptTokenIds: readonly number[] = []) {
  const { next } = createSampler(resolveSampling({ seed: 1, ...parameters }, {}, limits), { promptTokenIds });
  return { next: (logits: Float32Array, outputTokenIds: readonly number[]) => next(allOf(logits), outputTokenIds) };
}

const allOf = (logits: Float32Array) => ({ kind: 'all', logits }) as const;

/** Log of these probabilities, as logits. */
function logitsOf(...probabilities: readonly number[]): Float32Array {
  return Float32Array.from(probabilities, Math.log);
}

/** How often each token comes in `draws` draws. */
function count(parameters: SamplingParameters, logits: Float32Array, draws: number): number[] {
  const { next } = sampler(parameters);
  const counts = Array<number>(logits.length).fill(0);
  for (let index = 0; index < draws; index++) counts[next(logits, [])]!++;
  return counts;
}

/** Pearson's statistic of counts against probabilities. */
function chiSquare(counts: readonly number[], probabilities: readonly number[]): number {
  const draws = counts.reduce((sum, one) => sum + one, 0);
  return counts.reduce((sum, seen, token) => {
    const expected = probabilities[token]! * draws;
    return expected === 0 ? sum + (seen === 0 ? 0 : Number.POSITIVE_INFINITY) : sum + (seen - expected) ** 2 / expected;
  }, 0);
}

// 99.9 % quantile of chi-square with 5 degrees of freedom; the seed is fixed, so this is no gamble.
const limit = 20.5;
const probabilities = [0.4, 0.25, 0.15, 0.1, 0.07, 0.03];
const logits = logitsOf(...probabilities);

function renormalized(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

describe('createSampler', () => {
  it.each([
    ['the distribution itself', {}, probabilities],
    ['temperature 2', { temperature: 2 }, renormalized(probabilities.map(Math.sqrt))],
    ['top-k 2', { topK: 2 }, renormalized([0.4, 0.25, 0, 0, 0, 0])],
    ['top-p 0.6: the smallest set that reaches it', { topP: 0.6 }, renormalized([0.4, 0.25, 0, 0, 0, 0])],
    ['top-p 0.3: never less than one', { topP: 0.3 }, [1, 0, 0, 0, 0, 0]],
    ['min-p 0.3 of the likeliest', { minP: 0.3 }, renormalized([0.4, 0.25, 0.15, 0, 0, 0])],
    ['top-k then top-p of what is left', { topK: 3, topP: 0.7 }, renormalized([0.4, 0.25, 0, 0, 0, 0])],
    ['a bias', { logitBias: { 5: Math.log(10) } }, renormalized([0.4, 0.25, 0.15, 0.1, 0.07, 0.3])],
  ] as const)('draws from %s', (_, parameters, expected) => {
    expect(chiSquare(count(parameters, logits, 20_000), expected)).toBeLessThan(limit);
  });

  it('repeats with the same seed and differs with another', () => {
    const run = (seed: number) => {
      const { next } = sampler({ seed });
      return Array.from({ length: 40 }, () => next(logits, []));
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
    expect(run(-1)).toEqual(run(-1));
  });

  it('is greedy at temperature 0, lowest id first', () => {
    expect(sampler({ temperature: 0 }).next(Float32Array.of(1, 3, 3, 2, 0, 0), [])).toBe(1);
    expect(sampler({ temperature: 1e-7 }).next(Float32Array.of(1, 3, 3, 2, 0, 0), [])).toBe(1);
  });

  it('divides positive and multiplies negative logits of seen tokens by the repetition penalty', () => {
    const greedy = sampler({ temperature: 0, repetitionPenalty: 2 }, [0]);
    expect(greedy.next(Float32Array.of(3, 1.6, 0, 0, 0, 0), [])).toBe(1);
    expect(greedy.next(Float32Array.of(3, 1.4, 0, 0, 0, 0), [])).toBe(0);
    expect(greedy.next(Float32Array.of(-1, -1.9, -9, -9, -9, -9), [])).toBe(1);
    expect(greedy.next(Float32Array.of(-9, 3, 1.6, 0, 0, 0), [1])).toBe(2);
  });

  it('subtracts presence once and frequency per occurrence, of output tokens only', () => {
    const presence = sampler({ temperature: 0, presencePenalty: 1 }, [0]);
    expect(presence.next(Float32Array.of(2, 1.5, 0, 0, 0, 0), [])).toBe(0);
    expect(presence.next(Float32Array.of(2, 1.5, 0, 0, 0, 0), [0, 0, 0])).toBe(1);
    expect(presence.next(Float32Array.of(2, 0.9, 0, 0, 0, 0), [0, 0, 0])).toBe(0);
    const frequency = sampler({ temperature: 0, frequencyPenalty: 0.5 });
    expect(frequency.next(Float32Array.of(2, 0.9, 0, 0, 0, 0), [0, 0])).toBe(0);
    expect(frequency.next(Float32Array.of(2, 0.9, 0, 0, 0, 0), [0, 0, 0])).toBe(1);
  });

  it('never stops before minTokens', () => {
    const { next } = sampler({ temperature: 0, minTokens: 2, stopTokenIds: [4] });
    const row = Float32Array.of(0, 1, 0, 0, 8, 9);
    expect(next(row, [])).toBe(1);
    expect(next(row, [1])).toBe(1);
    expect(next(row, [1, 1])).toBe(5);
  });

  it('leaves the row as it is', () => {
    const row = Float32Array.of(1, 2, 3, 4, 5, 6);
    sampler({ logitBias: { 0: 9 }, repetitionPenalty: 1.5, topP: 0.9 }, [5]).next(row, [4]);
    expect([...row]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('refuses rows that are not numbers', () => {
    const message = "the model's logits hold NaN where the likeliest token should be";
    expect(() => sampler({ temperature: 0 }).next(Float32Array.of(1, Number.NaN, 0, 0, 0, 0), [])).toThrow(message);
    expect(() => sampler({}).next(new Float32Array(6).fill(Number.NEGATIVE_INFINITY), [])).toThrow('hold -Infinity');
  });

  it('picks from a vocabulary of usual size what a full sort picks', () => {
    const vocabSize = 20_000;
    const row = Float32Array.from({ length: vocabSize }, (_, id) => 4 * Math.sin(id * id));
    const weights = [...row.keys()].map((id) => ({ id, weight: Math.exp(row[id]! / 0.9) }));
    weights.sort((a, b) => b.weight - a.weight || a.id - b.id);
    const shareOf = (count: number) => weights.slice(0, count).reduce((sum, { weight }) => sum + weight, 0);
    const nucleus = 1 + [...weights.keys()].findIndex((place) => shareOf(place + 1) >= 0.3 * shareOf(5000));
    expect(nucleus).toBeGreaterThan(300);

    const parameters = { seed: 3, temperature: 0.9, topK: 5000, topP: 0.3 };
    const { next } = createSampler(resolveSampling(parameters, {}, { ...limits, vocabSize }), { promptTokenIds: [] });
    const seen = new Set(Array.from({ length: 3000 }, () => next(allOf(row), [])));
    const places = [...seen].map((id) => weights.findIndex((one) => one.id === id));
    expect(Math.max(...places)).toBeLessThan(nucleus);
    expect(Math.max(...places)).toBeGreaterThan(0.9 * nucleus);
  });
});
