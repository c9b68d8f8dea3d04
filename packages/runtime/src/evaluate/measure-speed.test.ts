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
  return { requests, model: { ...model, generate, complete, measureReadBandwidth: async () => undefined } };
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

  it('warms up with the whole prompt and a little decoding', async () => {
    const { model: subject, requests } = watched();
    await measureSpeed(subject, { promptTokens: 30, newTokens: 30, context: 32, runs: 1 });
    expect(requests.map(({ prompt }) => prompt.length)).toEqual([30, 16, 30, 32]);
  });

  it('holds the bytes of steps against the speed of memory in the same run', async () => {
    const { model: subject } = watched();
    const asked: [number, number][] = [];
    const bytes = 1e6;
    const bandwidths = [1e12, 4e12, 2e12];
    const report = await measureSpeed(
      {
        ...subject,
        bytesPerStep: (...step) => {
          asked.push(step);
          return bytes;
        },
        measureReadBandwidth: async () => bandwidths.shift(),
      },
      { promptTokens: 4, newTokens: 4, context: 5, batches: [1, 2], runs: 3 },
    );
    expect(asked).toEqual([
      [1, 7],
      [2, 7],
    ]);
    expect(report.readBandwidth).toEqual({ bytesPerSecond: 2e12, runs: [1e12, 4e12, 2e12] });
    for (const { batch, runs, bytesPerStep, bandwidthShare } of report.decode) {
      expect(bytesPerStep).toBe(bytes);
      const shares = runs.map((speed, run) => (speed / batch / report.readBandwidth!.runs[run]!) * bytes);
      expect(bandwidthShare).toBeCloseTo(shares.sort((a, b) => a - b)[1]!, 12);
    }
  });

  it('leaves out what model and backend cannot tell', async () => {
    const { model: subject } = watched();
    const options = { promptTokens: 4, newTokens: 4, runs: 1 };
    const report = await measureSpeed({ ...subject, bytesPerStep: () => undefined }, options);
    expect(report).not.toHaveProperty('readBandwidth');
    expect(report.decode[0]).not.toHaveProperty('bytesPerStep');
    expect(report.decode[0]).not.toHaveProperty('bandwidthShare');
    expect((await measureSpeed(subject, options)).decode[0]).toMatchObject({
      bytesPerStep: subject.bytesPerStep(1, 6),
    });
  });

  it('says when the first token is there, and when memory is about to be measured', async () => {
    const { model: subject, requests } = watched();
    const seen: string[] = [];
    await measureSpeed(
      {
        ...subject,
        measureReadBandwidth: async () => {
          seen.push('bandwidth');
          return 1;
        },
      },
      {
        promptTokens: 4,
        newTokens: 4,
        runs: 2,
        onFirstToken: () => seen.push(`first token of request ${requests.length}`),
        onBeforeBandwidth: () => seen.push(`before, ${requests.length} requests`),
      },
    );
    expect(seen).toEqual(['first token of request 1', 'before, 4 requests', 'bandwidth', 'bandwidth']);
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
