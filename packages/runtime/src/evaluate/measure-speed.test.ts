import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerateRequest } from '../engine/generate-request.ts';
import type { Model } from '../model.ts';
import { openModel } from '../open-model.ts';
import { registry } from '../test-support/shipped-model.ts';
import { memoryFolder } from '../test-support/tiny-checkpoint.ts';
import { measureSpeed } from './measure-speed.ts';

let model: Model;
beforeAll(async () => {
  model = await openModel(memoryFolder({ 'tokenizer.json': undefined }), { registry });
});
afterAll(() => model.close());

/** The model, and what was asked of it. */
function watched() {
  const requests: GenerateRequest[] = [];
  const generate = (request: GenerateRequest) => {
    requests.push(request);
    return model.generate(request);
  };
  const complete = (request: GenerateRequest) => {
    requests.push(request);
    return model.complete(request);
  };
  return { requests, model: { ...model, generate, complete } };
}

describe('measureSpeed', () => {
  it('measures a prompt and each batch once per run, the first run not counted', async () => {
    const { model: subject, requests } = watched();
    const report = await measureSpeed(subject, { promptTokens: 9, newTokens: 4, context: 5, batches: [1, 3], runs: 3 });
    expect(report.prefill).toMatchObject({ promptTokens: 9 });
    expect(report.decode).toMatchObject([
      { batch: 1, context: 5, newTokens: 4 },
      { batch: 3, context: 5, newTokens: 4 },
    ]);
    for (const { tokensPerSecond, lowest, highest, runs } of [report.prefill, ...report.decode]) {
      expect(runs).toHaveLength(3);
      expect([...runs].sort((a, b) => a - b)).toEqual([lowest, tokensPerSecond, highest]);
      expect(lowest).toBeGreaterThan(0);
    }
    const lengths = requests.map(({ prompt }) => prompt.length);
    expect(lengths).toEqual([0, 1, 2, 3].flatMap(() => [9, 5, 5, 5, 5]));
    expect(model.status()).toMatchObject({ running: 0, waiting: 0 });
  });

  it('draws token ids by the seed, new ones for every sequence', async () => {
    const draw = async (seed: number) => {
      const { model: subject, requests } = watched();
      await measureSpeed(subject, { promptTokens: 8, newTokens: 2, runs: 1, seed });
      return requests.map(({ prompt }) => String(prompt));
    };
    const first = await draw(1);
    expect(await draw(1)).toEqual(first);
    expect(await draw(2)).not.toEqual(first);
    expect(new Set(first).size).toBe(first.length);
  });

  it('reports progress, and stops when told to', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const measured = measureSpeed(model, {
      promptTokens: 8,
      newTokens: 2,
      runs: 9,
      signal: controller.signal,
      onProgress: ({ done, total }) => {
        expect(total).toBe(20);
        seen.push(done);
        if (done === 3) controller.abort();
      },
    });
    await expect(measured).rejects.toThrow('aborted');
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it.each([
    [{ promptTokens: 0 }, 'prompt tokens: expected a whole number from 1 to 63, found 0'],
    [{ promptTokens: 8, newTokens: 60 }, 'context: expected a whole number from 1 to 3, found 8'],
    [{ promptTokens: 8, newTokens: 8, batches: [1, 0] }, 'batch: expected a whole number from 1 to '],
    [{ promptTokens: 8, newTokens: 8, runs: 0 }, 'runs: expected a whole number from 1 to '],
  ])('says what is wrong with %o', async (options, message) => {
    await expect(measureSpeed(model, options)).rejects.toThrow(message);
  });

  it('says when sequences end before enough tokens are timed', async () => {
    const narrow = await openModel(memoryFolder({ 'tokenizer.json': undefined }), { registry, maxRunningRequests: 1 });
    // One at a time: the first is at its end before the second has begun.
    await expect(measureSpeed(narrow, { promptTokens: 8, newTokens: 50, batches: [2] })).rejects.toThrow(
      'sequences of 8 tokens reached the end of their context of 64 before 50 tokens each were timed',
    );
    await narrow.close();
  });
});
