import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeStreams } from './merge-streams.ts';

async function* stream<T>(values: readonly T[], pause: () => Promise<void>): AsyncGenerator<T, void> {
  for (const value of values) {
    await pause();
    yield value;
  }
}

const pauses = [async () => {}, () => sleep(0), () => new Promise<void>((resolve) => setImmediate(resolve))];

describe('mergeStreams', () => {
  it('yields everything, each stream in its own order', async () => {
    const values = fc.array(fc.integer(), { maxLength: 6 });
    const source = fc.record({ values, pace: fc.integer({ min: 0, max: 2 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(source, { maxLength: 5 }), async (sources) => {
        const received: number[][] = sources.map(() => []);
        const streams = sources.map((one) => stream(one.values, pauses[one.pace]!));
        for await (const { index, value } of mergeStreams(streams)) received[index]!.push(value);
        expect(received).toEqual(sources.map((one) => one.values));
      }),
      { numRuns: 50 },
    );
  });

  it('yields as values arrive, not stream by stream', async () => {
    const slow = stream(['slow'], () => sleep(20));
    const fast = stream(['fast'], async () => {});
    const order: string[] = [];
    for await (const { value } of mergeStreams([slow, fast])) order.push(value);
    expect(order).toEqual(['fast', 'slow']);
  });

  it('ends with the first error, after what came before it', async () => {
    const failing = (async function* () {
      yield 1;
      throw new Error('broken');
    })();
    const received: number[] = [];
    const read = async () => {
      for await (const { value } of mergeStreams([failing, stream([2], () => sleep(50))])) received.push(value);
    };
    await expect(read()).rejects.toThrow('broken');
    expect(received).toEqual([1]);
  });

  it('returns to its sources when the reader stops', async () => {
    let returned = 0;
    const endless = () =>
      (async function* () {
        try {
          for (;;) {
            await sleep(1);
            yield 0;
          }
        } finally {
          returned++;
        }
      })();
    for await (const _ of mergeStreams([endless(), endless()])) break;
    await expect.poll(() => returned).toBe(2);
  });
});
