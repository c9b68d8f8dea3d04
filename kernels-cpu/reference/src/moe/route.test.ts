import { describe, expect, it } from 'vitest';
import { route } from './route.ts';

const softmaxTop2 = { topK: 2, scoring: 'softmax', normalize: false, scale: 1 } as const;
const logits = Float32Array.from([0.1, 0.5, 0.3, 0.1], Math.log);

describe('route', () => {
  it('takes the best of the softmax of all', () => {
    const { experts, weights } = route(logits, softmaxTop2, ['prefill']);
    expect([...experts]).toEqual([1, 2]);
    expect(weights[0]).toBeCloseTo(0.5, 6);
    expect(weights[1]).toBeCloseTo(0.3, 6);
  });

  it('normalizes and scales', () => {
    const { weights } = route(logits, { ...softmaxTop2, normalize: true, scale: 2 }, ['prefill']);
    expect(weights[0]).toBeCloseTo((2 * 0.5) / 0.8, 6);
    expect(weights[1]).toBeCloseTo((2 * 0.3) / 0.8, 6);
  });

  it('takes the sigmoid of each', () => {
    const { experts, weights } = route(Float32Array.of(-1, 2, 0), { ...softmaxTop2, scoring: 'sigmoid' }, ['prefill']);
    expect([...experts]).toEqual([1, 2]);
    expect(weights[0]).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
    expect(weights[1]).toBe(0.5);
  });

  it('takes the lowest index of equals, and all experts where topK says so', () => {
    expect([...route(Float32Array.of(1, 1, 1), softmaxTop2, ['prefill']).experts]).toEqual([0, 1]);
    const all = route(Float32Array.of(1, 2, 3), { ...softmaxTop2, topK: 3 }, ['prefill']);
    expect([...all.experts]).toEqual([2, 1, 0]);
    expect(all.weights.reduce((sum, weight) => sum + weight)).toBeCloseTo(1, 6);
  });

  it('routes every row by itself', () => {
    const two = Float32Array.of(...logits, ...[...logits].reverse());
    expect([...route(two, softmaxTop2, ['prefill', 'decode']).experts]).toEqual([1, 2, 2, 1]);
  });

  it('chooses with the bias and weighs without it', () => {
    // Sigmoids 0.9, 0.6, 0.5; with the bias 0.9, 0.7, 1.1.
    const scores = Float32Array.from([0.9, 0.6, 0.5], (score) => Math.log(score / (1 - score)));
    const options = { ...softmaxTop2, scoring: 'sigmoid', normalize: true, scale: 2.5 } as const;
    const { experts, weights } = route(scores, options, ['prefill'], Float32Array.of(0, 0.1, 0.6));
    expect([...experts]).toEqual([2, 0]);
    expect(weights[0]).toBeCloseTo((2.5 * 0.5) / 1.4, 6);
    expect(weights[1]).toBeCloseTo((2.5 * 0.9) / 1.4, 6);
  });

  it('leaves out the groups whose best expert is not among the best', () => {
    // Groups of two with 0.3, 0.28 and 0.25 as their best: the third has the third best expert, and is not chosen.
    const grouped = Float32Array.from([0.3, 0.02, 0.28, 0.05, 0.25, 0.1], Math.log);
    const options = { ...softmaxTop2, topK: 3, groups: { count: 3, chosen: 2, score: 'largest' } } as const;
    const { experts, weights } = route(grouped, options, ['prefill']);
    expect([...experts]).toEqual([0, 2, 3]);
    [0.3, 0.28, 0.05].forEach((weight, slot) => {
      expect(weights[slot]).toBeCloseTo(weight, 6);
    });
  });

  it('sums the two best of a group, biased, where the groups are scored so', () => {
    // Sums 0.95, 1.3, 1.25 as they are; 0.95, 1.3, 1.45 with the bias.
    const sigmoids = Float32Array.from([0.9, 0.05, 0.7, 0.6, 0.8, 0.45], (score) => Math.log(score / (1 - score)));
    const groups = { count: 3, chosen: 1, score: 'two-largest' } as const;
    const options = { ...softmaxTop2, topK: 1, scoring: 'sigmoid', groups } as const;
    expect([...route(sigmoids, options, ['prefill']).experts]).toEqual([2]);
    const bias = Float32Array.of(0, 0, 0, 0, 0, 0.2);
    expect([...route(sigmoids, options, ['prefill'], bias).experts]).toEqual([4]);
    // The largest alone is in the first group.
    expect([...route(sigmoids, { ...options, groups: { ...groups, score: 'largest' } }, ['prefill']).experts]).toEqual([
      0,
    ]);
  });

  it('takes the lowest group of equals, and biases below zero', () => {
    const options = {
      ...softmaxTop2,
      scoring: 'sigmoid',
      groups: { count: 2, chosen: 1, score: 'two-largest' },
    } as const;
    expect([...route(Float32Array.of(1, 1, 1, 1), options, ['prefill']).experts]).toEqual([0, 1]);
    const bias = Float32Array.of(-3, -2, -1, -5);
    // Sums of sigmoids near zero plus biases: -5 and -6.
    expect([...route(Float32Array.of(-9, -9, -9, -9), options, ['prefill'], bias).experts]).toEqual([1, 0]);
  });
});
