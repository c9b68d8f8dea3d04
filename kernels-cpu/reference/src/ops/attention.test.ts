import type { AttentionOperation } from '@lowbit/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPagedCache } from '../kv-cache/paged-cache.ts';
import { attention } from './attention.ts';

const asTheyAre = { key: Math.fround, value: Math.fround };

interface Shape {
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headSize: number;
  readonly valueHeadSize?: number;
  readonly slidingWindow?: number;
}

const kvCache = { blockSize: 3, blocks: 9 };

function operationOf(shape: Shape): AttentionOperation {
  const names = { cache: 'attention', query: 'query', key: 'key', value: 'value', output: 'output' };
  return { kind: 'attention', ...names, scale: 0.9, ...shape };
}

function valuesOf({ numHeads, numKvHeads, headSize, valueHeadSize = headSize }: Shape, tokens: number) {
  const draw = (length: number, step: number) =>
    Float32Array.from({ length }, (_, i) => Math.sin(step * (i + 1)) * 2 - Math.cos(i * i));
  return {
    query: draw(tokens * numHeads * headSize, 0.7),
    key: draw(tokens * numKvHeads * headSize, 1.3),
    value: draw(tokens * numKvHeads * valueHeadSize, 2.1),
  };
}

/** Runs one sequence through a fresh cache, in chunks. */
function run(shape: Shape, tokens: number, chunks: readonly number[], blocks: readonly number[]): Float32Array {
  const { query, key, value } = valuesOf(shape, tokens);
  const cache = createPagedCache(shape, kvCache, asTheyAre);
  const queryWidth = shape.numHeads * shape.headSize;
  const keyWidth = shape.numKvHeads * shape.headSize;
  const { valueHeadSize = shape.headSize } = shape;
  const valueWidth = shape.numKvHeads * valueHeadSize;
  const outputWidth = shape.numHeads * valueHeadSize;
  const all = new Float32Array(tokens * outputWidth);
  let start = 0;
  for (const rows of chunks) {
    const end = start + rows;
    const output = new Float32Array(rows * outputWidth);
    attention(
      operationOf(shape),
      cache,
      { firstRow: 0, rows, blocks: Int32Array.from(blocks) },
      Int32Array.from({ length: rows }, (_, row) => start + row),
      {
        query: query.slice(start * queryWidth, end * queryWidth),
        key: key.slice(start * keyWidth, end * keyWidth),
        value: value.slice(start * valueWidth, end * valueWidth),
        output,
      },
    );
    all.set(output, start * outputWidth);
    start = end;
  }
  return all;
}

/** The same from the definition: no cache, no blocks. */
function naive(shape: Shape, tokens: number): number[] {
  const { numHeads, numKvHeads, headSize, valueHeadSize = headSize, slidingWindow = tokens } = shape;
  const { query, key, value } = valuesOf(shape, tokens);
  const output: number[] = [];
  for (let t = 0; t < tokens; t++) {
    for (let h = 0; h < numHeads; h++) {
      const kv = Math.floor((h * numKvHeads) / numHeads);
      const at = (s: number, size: number) => (s * numKvHeads + kv) * size;
      const weights = new Map<number, number>();
      for (let s = Math.max(0, t - slidingWindow + 1); s <= t; s++) {
        let dot = 0;
        for (let i = 0; i < headSize; i++) dot += query[(t * numHeads + h) * headSize + i]! * key[at(s, headSize) + i]!;
        weights.set(s, Math.exp(0.9 * dot));
      }
      const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
      for (let i = 0; i < valueHeadSize; i++) {
        let sum = 0;
        for (const [s, weight] of weights) sum += (weight / total) * value[at(s, valueHeadSize) + i]!;
        output.push(sum);
      }
    }
  }
  return output;
}

describe.each<[string, Shape]>([
  ['a key head per query head', { numHeads: 3, numKvHeads: 3, headSize: 5 }],
  ['grouped queries', { numHeads: 6, numKvHeads: 2, headSize: 4 }],
  ['values narrower than keys', { numHeads: 4, numKvHeads: 2, headSize: 6, valueHeadSize: 5 }],
  ['values wider than keys', { numHeads: 2, numKvHeads: 2, headSize: 3, valueHeadSize: 4 }],
  ['a window of 4', { numHeads: 2, numKvHeads: 1, headSize: 7, slidingWindow: 4 }],
  ['a window larger than the sequence', { numHeads: 2, numKvHeads: 2, headSize: 3, slidingWindow: 50 }],
])('attention with %s', (_, shape) => {
  const tokens = 13;
  const whole = run(shape, tokens, [tokens], [0, 1, 2, 3, 4]);

  it('follows the definition', () => {
    const expected = naive(shape, tokens);
    expect(whole).toHaveLength(expected.length);
    // f32 results against f64 ones.
    whole.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 5);
    });
  });

  it('gives the same bits whatever the order of blocks', () => {
    expect(run(shape, tokens, [tokens], [8, 2, 5, 0, 7])).toEqual(whole);
  });

  it('gives the same bits however the prompt is cut', () => {
    const chunkings = fc
      .array(fc.integer({ min: 1, max: tokens - 1 }), { maxLength: 6 })
      .map((cuts) => [...new Set(cuts)].sort((a, b) => a - b))
      .map((cuts) => [...cuts, tokens].map((cut, index) => cut - (cuts[index - 1] ?? 0)));
    fc.assert(
      fc.property(chunkings, (chunks) => {
        expect(run(shape, tokens, chunks, [3, 1, 4, 0, 6])).toEqual(whole);
      }),
    );
  });
});

it('subtracts the maximum, so that large scores do not overflow', () => {
  const shape = { numHeads: 1, numKvHeads: 1, headSize: 1 };
  const cache = createPagedCache(shape, kvCache, asTheyAre);
  const output = new Float32Array(2);
  attention(operationOf(shape), cache, { firstRow: 0, rows: 2, blocks: Int32Array.of(0) }, Int32Array.of(0, 1), {
    query: Float32Array.of(1000, 1000),
    key: Float32Array.of(1000, 999),
    value: Float32Array.of(5, 7),
    output,
  });
  expect([...output]).toEqual([5, 5]);
});
