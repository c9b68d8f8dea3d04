import type { Batch, Executable } from '@lowbit/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RowLogits } from '../sampling/row-logits.ts';
import { createBlockPool } from './block-pool.ts';
import { createEngine } from './engine.ts';
import { createRecallingExecutable, predictNext } from './recalling-executable.ts';
import type { NextToken } from './sequence.ts';

const vocabSize = 97;
const blockSize = 4;

interface Setup {
  readonly blocks: number;
  readonly maxRunning?: number;
  readonly prefillChunk?: number;
  readonly onBatch?: (batch: Batch) => void;
}

function createSetup({ blocks, maxRunning = 8, prefillChunk = 8, onBatch = () => {} }: Setup) {
  const pool = createBlockPool(blocks, blockSize);
  const executable = createRecallingExecutable({ vocabSize, blocks, blockSize, onBatch });
  const engine = createEngine({ executable, pool, maxRunning, prefillChunk, vocabSize });
  return { pool, engine, executable };
}

const always = (pick: NextToken['pick']): NextToken => ({ count: 0, logSumExp: false, pick });

const likeliest = (row: RowLogits) => (row.kind === 'all' ? row.logits.indexOf(1) : row.tokenIds[0]!);

/** Greedy continuation of `count` tokens through the engine. */
function generate(
  engine: ReturnType<typeof createEngine>,
  promptTokenIds: readonly number[],
  count: number,
  countOfLargest = 0,
) {
  return new Promise<number[]>((resolve, reject) => {
    const output: number[] = [];
    engine.submit({
      promptTokenIds,
      wantsLogits: () => false,
      onLogits: () => {},
      next: {
        count: countOfLargest,
        logSumExp: false,
        pick: (row) => {
          output.push(likeliest(row));
          return output.length < count ? output.at(-1) : undefined;
        },
      },
      onFinished: () => resolve(output),
      onError: reject,
    });
  });
}

function expectedOutput(prompt: readonly number[], count: number): number[] {
  const tokens = [...prompt];
  while (tokens.length < prompt.length + count) tokens.push(predictNext(tokens, vocabSize));
  return tokens.slice(prompt.length);
}

describe('createEngine', () => {
  it('gives every sequence what it gets alone, in any mixture, chunk size and cache size', async () => {
    const request = fc.record({
      prompt: fc.array(fc.integer({ min: 0, max: vocabSize - 1 }), { minLength: 1, maxLength: 20 }),
      count: fc.integer({ min: 1, max: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: 1, maxLength: 7 }),
        fc.integer({ min: 1, max: 25 }),
        fc.integer({ min: 8, max: 30 }),
        fc.integer({ min: 1, max: 5 }),
        async (requests, prefillChunk, blocks, maxRunning) => {
          const { engine, pool } = createSetup({ blocks, prefillChunk, maxRunning });
          const outputs = await Promise.all(requests.map(({ prompt, count }) => generate(engine, prompt, count)));
          expect(outputs).toEqual(requests.map(({ prompt, count }) => expectedOutput(prompt, count)));
          expect(pool.free).toBe(blocks);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('sends the youngest sequence back when the cache is full, and loses nothing', async () => {
    const rows: number[] = [];
    // Two sequences of 8 + 16 tokens need 12 blocks; there are 8.
    const { engine, pool } = createSetup({ blocks: 8, onBatch: (batch) => rows.push(batch.tokenIds.length) });
    const prompts = [Array(8).fill(1), Array(8).fill(2)];
    const outputs = await Promise.all(prompts.map((prompt) => generate(engine, prompt, 16)));
    expect(outputs).toEqual(prompts.map((prompt) => expectedOutput(prompt, 16)));
    const computedTokens = rows.reduce((sum, count) => sum + count, 0);
    expect(computedTokens).toBeGreaterThan(2 * (8 + 15));
    expect(pool.free).toBe(8);
  });

  it('keeps generating while a long prompt is computed in chunks', async () => {
    const batches: Batch[] = [];
    const { engine } = createSetup({ blocks: 64, prefillChunk: 8, onBatch: (batch) => batches.push(batch) });
    const short = generate(engine, [1, 2], 10);
    const long = generate(engine, Array(64).fill(3), 1);
    await Promise.all([short, long]);
    const mixed = batches.filter(({ sequences }) => sequences.some(({ rows }) => rows === 1) && sequences.length === 2);
    expect(mixed.length).toBeGreaterThan(5);
    expect(Math.max(...batches.map(({ tokenIds }) => tokenIds.length))).toBeLessThanOrEqual(8 + 1);
  });

  it('reports wanted prompt positions once and in order, also when a sequence is computed twice', async () => {
    const { engine } = createSetup({ blocks: 8 });
    const positions: number[] = [];
    const first = generate(engine, Array(8).fill(1), 16);
    const second = new Promise<void>((resolve, reject) => {
      let left = 16;
      engine.submit({
        promptTokenIds: Array(8).fill(2),
        wantsLogits: (position) => position % 2 === 0,
        onLogits: (position) => positions.push(position),
        next: always((row) => (--left > 0 ? likeliest(row) : undefined)),
        onFinished: resolve,
        onError: reject,
      });
    });
    await Promise.all([first, second]);
    expect(positions).toEqual([0, 2, 4, 6]);
  });

  it('frees a cancelled sequence and goes on with the others', async () => {
    const { engine, pool } = createSetup({ blocks: 16, maxRunning: 1 });
    const endless = engine.submit({
      promptTokenIds: [5],
      wantsLogits: () => false,
      onLogits: () => {},
      next: always(() => {
        endless.cancel();
        return 1;
      }),
      onFinished: () => {},
      onError: () => {},
    });
    expect(await generate(engine, [6], 3)).toEqual(expectedOutput([6], 3));
    expect(pool.free).toBe(16);
    expect(engine.running + engine.waiting).toBe(0);
  });

  it('interrupts a forward once all of its sequences are cancelled, and not before', async () => {
    const pool = createBlockPool(16, blockSize);
    const signals: AbortSignal[] = [];
    const executable: Executable = {
      memory: { weights: 0, kvCache: 0 },
      moduleBytes: new Map(),
      run: (_, signal) =>
        new Promise((_, reject) => {
          signals.push(signal!);
          signal!.addEventListener('abort', () => reject(signal!.reason));
        }),
      close: async () => {},
    };
    const engine = createEngine({ executable, pool, maxRunning: 2, prefillChunk: 8, vocabSize });
    const errors: unknown[] = [];
    const submit = () =>
      engine.submit({
        promptTokenIds: [1],
        wantsLogits: () => false,
        onLogits: () => {},
        next: always(() => 1),
        onFinished: () => {},
        onError: (error) => errors.push(error),
      });
    const [first, second] = [submit(), submit()];
    while (signals.length === 0) await new Promise((resolve) => setImmediate(resolve));
    first.cancel();
    expect(signals[0]!.aborted).toBe(false);
    second.cancel();
    expect(signals[0]!.aborted).toBe(true);
    submit();
    while (signals.length === 1) await new Promise((resolve) => setImmediate(resolve));
    expect(engine.running).toBe(1);
    await engine.close();
    expect(signals[1]!.aborted).toBe(true);
    expect([engine.running, pool.free, errors]).toEqual([0, 16, []]);
  });

  it('hands a failed forward to the sequences in it and serves the next ones', async () => {
    let fail = true;
    const { engine, pool } = createSetup({
      blocks: 16,
      onBatch: () => {
        if (fail) throw new Error('the device is gone');
      },
    });
    await expect(generate(engine, [1, 2, 3], 2)).rejects.toThrow('the device is gone');
    fail = false;
    expect(await generate(engine, [1, 2, 3], 2)).toEqual(expectedOutput([1, 2, 3], 2));
    expect(pool.free).toBe(16);
  });

  it('ends only the sequence whose own callback throws', async () => {
    const { engine } = createSetup({ blocks: 16 });
    const failing = new Promise((resolve, reject) => {
      engine.submit({
        promptTokenIds: [9],
        wantsLogits: () => false,
        onLogits: () => {},
        next: always(() => {
          throw new Error('logits are not numbers');
        }),
        onFinished: () => resolve(undefined),
        onError: reject,
      });
    });
    const [bad, good] = await Promise.allSettled([failing, generate(engine, [4], 4)]);
    expect(bad).toMatchObject({ status: 'rejected', reason: { message: 'logits are not numbers' } });
    expect(good).toEqual({ status: 'fulfilled', value: expectedOutput([4], 4) });
  });
});
