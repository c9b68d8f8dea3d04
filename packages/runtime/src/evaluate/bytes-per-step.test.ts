import type { ModelProgram, Operation } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { openModel } from '../open-model.ts';
import { registry } from '../test-support/shipped-model.ts';
import { memoryFolder } from '../test-support/tiny-checkpoint.ts';
import { bytesPerStep } from './bytes-per-step.ts';

const attention = {
  kind: 'attention',
  cache: 'cache',
  query: 'a',
  key: 'a',
  value: 'a',
  output: 'a',
  numHeads: 1,
  numKvHeads: 1,
  headSize: 8,
  scale: 1,
} as const;
const moe = {
  kind: 'moe',
  module: 'experts',
  input: 'a',
  routerLogits: 'b',
  output: 'a',
  topK: 2,
  scoring: 'softmax',
  normalize: false,
  scale: 1,
} as const;

const program = (...operations: Operation[]): ModelProgram => ({
  modelType: 'made-up',
  vocabSize: 10,
  contextLength: 100,
  values: { a: 8, b: 8 },
  modules: [
    {
      kind: 'moe',
      name: 'experts',
      numExperts: 8,
      hiddenSize: 8,
      intermediateSize: 8,
      projections: { gate: 'g', up: 'u', down: 'd' },
    },
  ],
  operations,
});
const moduleBytes = new Map([
  ['embedding', 1000],
  ['norm', 32],
  ['q', 200],
  ['k', 50],
  ['head', 700],
  ['experts', 8000],
  ['cache', 6400],
]);
const of = (operation: Operation, sequences: number, cachedTokens: number) =>
  bytesPerStep({ program: program(operation), moduleBytes, cacheTokens: 64 }, sequences, cachedTokens);

describe('bytesPerStep', () => {
  it.each<[string, Operation, number, number]>([
    ['a row of an embedding per sequence', { kind: 'embedding', module: 'embedding', output: 'a' }, 100, 300],
    ['a norm once', { kind: 'rms-norm', module: 'norm', input: 'a', output: 'a', epsilon: 0, size: 8 }, 32, 32],
    [
      'every part of a linear once',
      {
        kind: 'linear',
        input: 'a',
        parts: [
          { module: 'q', output: 'a' },
          { module: 'k', output: 'b' },
        ],
      },
      250,
      250,
    ],
    ['the head once', { kind: 'logits', module: 'head', input: 'a' }, 700, 700],
    ['the cached tokens of each sequence', attention, 4000, 12_000],
    ['of a sliding window what it holds', { ...attention, slidingWindow: 16 }, 1600, 4800],
    ['nothing for what has no weights', { kind: 'add', left: 'a', right: 'a', output: 'a' }, 0, 0],
  ])('counts %s', (_, operation, alone, three) => {
    expect([of(operation, 1, 40), of(operation, 3, 40)]).toEqual([alone, three]);
  });

  it('counts the experts that one sequence chooses, and leaves several open', () => {
    expect([of(moe, 1, 40), of(moe, 2, 40)]).toEqual([2000, undefined]);
  });

  it('is open where what a module holds is not known', () => {
    const memory = { program: program(attention), cacheTokens: 64 };
    expect(bytesPerStep({ ...memory, moduleBytes: undefined }, 1, 40)).toBeUndefined();
    expect(bytesPerStep({ ...memory, moduleBytes: new Map() }, 1, 40)).toBeUndefined();
  });

  it('is the whole model but for its embedding, with a full cache', async () => {
    const model = await openModel(memoryFolder({ 'tokenizer.json': undefined }), { registry });
    const { weights, kvCache } = model.info.memory;
    const embedding = 11 * 8 * 4;
    const { total } = model.status().kvCache;
    expect(model.bytesPerStep(1, total)).toBe(weights - embedding + embedding / 11 + kvCache);
    await model.close();
  });
});
