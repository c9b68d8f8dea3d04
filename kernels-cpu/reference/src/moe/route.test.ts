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
});
