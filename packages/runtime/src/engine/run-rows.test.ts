import { type Executable, selectTopLogits, type TopRequest } from '@lowbit/core';
import { expect, it } from 'vitest';
import { runRows } from './run-rows.ts';

const vocabSize = 3;
const logits = Float32Array.of(1, 3, 2, 4, 5, 6, 9, 7, 8);
const batch = {
  tokenIds: Int32Array.of(0, 1, 2),
  positions: Int32Array.of(0, 1, 2),
  sequences: [],
  logitRows: Int32Array.of(0, 1, 2),
};

/** Gives those logits, and notes how it was asked. */
function fake(withTop: boolean) {
  const asked: string[] = [];
  const executable: Executable = {
    memory: { weights: 0, kvCache: 0 },
    async run() {
      asked.push('run');
      return logits;
    },
    async close() {},
  };
  if (!withTop) return { asked, executable };
  const runTop = async (_: unknown, request: TopRequest) => {
    asked.push(`runTop ${request.counts} ${request.logSumExp}`);
    return selectTopLogits(logits, vocabSize, request);
  };
  return { asked, executable: { ...executable, runTop } };
}

const rowsOf = (executable: Executable, counts: readonly number[], logSumExp: boolean) =>
  runRows(executable, vocabSize, batch, { counts: Int32Array.from(counts), logSumExp }, new AbortController().signal);

it('answers each row as asked, with the executable or for it', async () => {
  const [able, unable] = [fake(true), fake(false)];
  const rows = await rowsOf(able.executable, [2, 0, 1], false);
  expect(rows).toEqual([
    { kind: 'largest', tokenIds: Int32Array.of(1, 2), logits: Float32Array.of(3, 2) },
    { kind: 'all', logits: Float32Array.of(4, 5, 6) },
    { kind: 'largest', tokenIds: Int32Array.of(0), logits: Float32Array.of(9) },
  ]);
  expect(await rowsOf(unable.executable, [2, 0, 1], false)).toEqual(rows);
  expect([able.asked, unable.asked]).toEqual([['runTop 2,0,1 false'], ['run']]);
});

it('hands each row its sum', async () => {
  const rows = await rowsOf(fake(true).executable, [1, 0, 1], true);
  const exact = (row: number) => Math.log(logits.slice(3 * row, 3 * row + 3).reduce((sum, x) => sum + Math.exp(x), 0));
  expect(rows[0]).toMatchObject({ logSumExp: expect.closeTo(exact(0), 10) });
  expect(rows[2]).toMatchObject({ logSumExp: expect.closeTo(exact(2), 10) });
});

it('asks for all logits where nobody wants less', async () => {
  const { asked, executable } = fake(true);
  const rows = await rowsOf(executable, [0, 0, 0], true);
  expect(rows.map((row) => [...row.logits])).toEqual([
    [1, 3, 2],
    [4, 5, 6],
    [9, 7, 8],
  ]);
  expect(asked).toEqual(['run']);
});
