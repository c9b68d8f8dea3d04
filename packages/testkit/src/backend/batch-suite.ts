import { type Executable, LowbitError } from '@lowbit/core';
import { describe, expect, it, type TestContext } from 'vitest';
import { createRandom } from '../random.ts';
import { decoder } from './decoder.ts';
import { expectClose, relativeToRow } from './expect-close.ts';
import { expectedLogits } from './expected-logits.ts';
import { type CompileOptions, compileProgram, makeBatch } from './run-program.ts';
import type { Subject } from './subject.ts';

const blockSize = 4;
const kvCache = { blockSize, blocks: 16 };

/** Four sequences of unequal length, their blocks in no order. */
const sequences = [
  { tokenIds: tokens(11, 1), blocks: [7, 2, 12] },
  { tokenIds: tokens(1, 2), blocks: [0] },
  { tokenIds: tokens(18, 3), blocks: [15, 3, 9, 1, 6] },
  { tokenIds: tokens(4, 4), blocks: [5] },
];

/** A whole small decoder: sequences side by side, prompts in chunks, the life of an executable. */
export function batchSuite(subject: Subject): void {
  const { vocabSize } = decoder('f32').program;

  const withDecoder = async (
    context: TestContext,
    use: (executable: Executable) => Promise<void>,
    options: Partial<CompileOptions> = {},
  ) => {
    const executable = await compileProgram(context, subject, decoder('f32'), { kvCache, ...options });
    try {
      await use(executable);
    } finally {
      await executable.close();
    }
  };
  const expectSame = (actual: Float32Array, reference: Float32Array) => {
    if (subject.bitExactBatches) expect(actual).toEqual(reference);
    else expectClose(actual, relativeToRow(Float64Array.from(reference), vocabSize), subject.tolerance);
  };
  const alone = (executable: Executable, index: number) => executable.run(makeBatch([sequences[index]!]));

  describe('decoder', () => {
    for (const linears of ['f32', '4-bit'] as const) {
      it(`of ${linears} linears gives the logits of plain arithmetic`, async (context) => {
        const synthetic = decoder(linears);
        const executable = await compileProgram(context, subject, synthetic, { kvCache });
        try {
          const expected = sequences.flatMap(({ tokenIds }) => [...expectedLogits(synthetic, tokenIds)]);
          const logits = await executable.run(makeBatch(sequences));
          // Errors of two layers add up.
          expectClose(logits, relativeToRow(Float64Array.from(expected), vocabSize), 4 * subject.tolerance);
        } finally {
          await executable.close();
        }
      });
    }

    it('gives each sequence what it gets alone', (context) =>
      withDecoder(context, async (executable) => {
        const together = await executable.run(makeBatch(sequences));
        let start = 0;
        for (const [index, { tokenIds }] of sequences.entries()) {
          const end = start + tokenIds.length * vocabSize;
          expectSame(together.slice(start, end), await alone(executable, index));
          start = end;
        }
      }));

    for (const [how, chunks] of Object.entries(chunkings)) {
      it(`gives a prompt in chunks what it gets whole: ${how}`, (context) =>
        withDecoder(context, async (executable) => {
          const { tokenIds, blocks } = sequences[2]!;
          const whole = await alone(executable, 2);
          let start = 0;
          for (const size of chunks) {
            const chunk = { tokenIds: tokenIds.slice(start, start + size), start, blocks };
            const logits = await executable.run(makeBatch([chunk]));
            expectSame(logits, whole.slice(start * vocabSize, (start + size) * vocabSize));
            start += size;
          }
        }));
    }

    it('goes on with several sequences at once, each where it was', (context) =>
      withDecoder(context, async (executable) => {
        const first = sequences[0]!;
        const third = sequences[2]!;
        const wholes = [await alone(executable, 0), await alone(executable, 2)];
        await executable.run(makeBatch([{ ...first, tokenIds: first.tokenIds.slice(0, 6) }]));
        await executable.run(makeBatch([{ ...third, tokenIds: third.tokenIds.slice(0, 13) }]));
        for (let step = 0; step < 5; step++) {
          const next = [
            { ...third, start: 13 + step, tokenIds: [third.tokenIds[13 + step]!] },
            { ...first, start: 6 + step, tokenIds: [first.tokenIds[6 + step]!] },
          ];
          const logits = await executable.run(makeBatch(next));
          expectSame(logits.slice(0, vocabSize), wholes[1]!.slice((13 + step) * vocabSize, (14 + step) * vocabSize));
          expectSame(logits.slice(vocabSize), wholes[0]!.slice((6 + step) * vocabSize, (7 + step) * vocabSize));
        }
      }));

    it('does not mind what was in the blocks before', (context) =>
      withDecoder(context, async (executable) => {
        const before = await alone(executable, 0);
        await executable.run(makeBatch([{ ...sequences[2]!, blocks: [7, 2, 12, 5, 0] }]));
        expectSame(await alone(executable, 0), before);
      }));

    it('gives logits of the rows asked for', (context) =>
      withDecoder(context, async (executable) => {
        const all = await executable.run(makeBatch(sequences));
        const rows = [0, 10, 11, 29];
        const some = await executable.run(makeBatch(sequences, rows));
        rows.forEach((row, index) => {
          expectSame(
            some.slice(index * vocabSize, (index + 1) * vocabSize),
            all.slice(row * vocabSize, (row + 1) * vocabSize),
          );
        });
        expect(await executable.run(makeBatch(sequences, [])), 'no rows').toHaveLength(0);
      }));

    it('states the memory it holds', (context) =>
      withDecoder(context, async ({ memory, moduleBytes }) => {
        expect(memory.weights).toBeGreaterThan(0);
        expect(memory.kvCache).toBeGreaterThan(0);
        const sum = [...(moduleBytes?.values() ?? [])].reduce((total, bytes) => total + bytes, 0);
        if (moduleBytes) expect(sum).toBe(memory.weights + memory.kvCache);
      }));

    it('says how fast memory is read where it can, and runs on', (context) =>
      withDecoder(context, async (executable) => {
        const before = await alone(executable, 0);
        const bandwidth = await executable.measureReadBandwidth?.();
        if (bandwidth === undefined) return context.skip('this backend cannot tell');
        expect(bandwidth).toBeGreaterThan(1e6);
        expectSame(await alone(executable, 0), before);
      }));

    it('rejects batches that name what is not there', (context) =>
      withDecoder(context, async (executable) => {
        const { tokenIds, blocks } = sequences[0]!;
        const wrong = {
          'a token id past the vocabulary': { tokenIds: [3, vocabSize], blocks },
          'a negative token id': { tokenIds: [-1], blocks },
          'a block past the cache': { tokenIds, blocks: [1, 2, kvCache.blocks] },
          'too few blocks': { tokenIds, blocks: [1, 2] },
          'a position past the context': { tokenIds, start: 60, blocks: [...Array(16).keys()] },
        };
        for (const [what, sequence] of Object.entries(wrong)) {
          await expect(executable.run(makeBatch([sequence])), what).rejects.toSatisfy(LowbitError.isInstance);
        }
        await expect(executable.run(makeBatch(sequences, [34])), 'a row past the batch').rejects.toSatisfy(
          LowbitError.isInstance,
        );
      }));

    it('says how far compiling is', async (context) => {
      const calls: [done: number, total: number][] = [];
      const onProgress = (done: number, total: number) => calls.push([done, total]);
      await withDecoder(context, async () => {}, { onProgress });
      const done = calls.map(([count]) => count);
      expect(done).toEqual([...done].sort((a, b) => a - b));
      expect(calls.at(-1)?.[0]).toBe(calls.at(-1)?.[1]);
    });

    it('stops compiling when aborted', async (context) => {
      const reason = new Error('no longer wanted');
      const compiling = withDecoder(context, async () => {}, { signal: AbortSignal.abort(reason) });
      await expect(compiling).rejects.toBe(reason);
    });

    it('does not run once closed', (context) =>
      withDecoder(context, async (executable) => {
        await executable.close();
        await expect(alone(executable, 0)).rejects.toSatisfy(LowbitError.isInstance);
      }));
  });
}

/** How a prompt of 18 tokens is cut. */
const chunkings = {
  'one by one': Array.from({ length: 18 }, () => 1),
  'at the borders of blocks': [4, 8, 6],
  'across the borders of blocks': [3, 7, 1, 7],
  'all but the last': [17, 1],
};

function tokens(length: number, seed: number): number[] {
  const random = createRandom(seed);
  return Array.from({ length }, () => random.integer(0, 39));
}
