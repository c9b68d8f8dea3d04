import { expect, it } from 'vitest';
import type { Batch } from './backend.ts';
import { checkBatch } from './check-batch.ts';
import type { ModelProgram } from './program.ts';

const program: ModelProgram = {
  modelType: 'test',
  vocabSize: 10,
  contextLength: 12,
  values: {},
  modules: [],
  operations: [],
};
const kvCache = { blockSize: 4, blocks: 6 };

const good: Batch = {
  tokenIds: Int32Array.of(1, 2, 9),
  positions: Int32Array.of(3, 4, 0),
  sequences: [
    { firstRow: 0, rows: 2, blocks: Int32Array.of(5, 0) },
    { firstRow: 2, rows: 1, blocks: Int32Array.of(2, 3, 4) },
  ],
  logitRows: Int32Array.of(1, 2),
};
const [first, second] = good.sequences as [Batch['sequences'][0], Batch['sequences'][0]];

it('accepts good batches, also empty ones and more blocks than needed', () => {
  expect(() => checkBatch(good, program, kvCache)).not.toThrow();
  const none = new Int32Array();
  expect(() =>
    checkBatch({ tokenIds: none, positions: none, sequences: [], logitRows: none }, program, kvCache),
  ).not.toThrow();
});

it.each<[Partial<Batch>, string]>([
  [{ positions: Int32Array.of(3, 4) }, '3 token ids and 2 positions'],
  [{ tokenIds: Int32Array.of(1, 10, 9) }, 'row 1: token id 10 of a vocabulary of 10'],
  [{ tokenIds: Int32Array.of(1, 2, -1) }, 'row 2: token id -1 of a vocabulary of 10'],
  [{ sequences: [first] }, '3 rows, but sequences of 2'],
  [{ sequences: [first, { ...second, firstRow: 1 }] }, 'sequence 1 has rows 1..2, expected some of 2..3'],
  [{ sequences: [first, { ...second, rows: 2 }] }, 'sequence 1 has rows 2..4, expected some of 2..3'],
  [{ sequences: [first, { ...second, rows: 0 }] }, 'sequence 1 has rows 2..2, expected some of 2..3'],
  [{ positions: Int32Array.of(3, 5, 0) }, 'row 1: position 5, expected 4'],
  [{ positions: Int32Array.of(3, 4, -1) }, 'sequence 1 has positions -1..-1 in a context of 12'],
  [{ positions: Int32Array.of(11, 12, 0) }, 'sequence 0 has positions 11..12 in a context of 12'],
  [{ positions: Int32Array.of(7, 8, 0) }, 'sequence 0 has 2 blocks of 4, its position 8 needs 3'],
  [{ sequences: [first, { ...second, blocks: Int32Array.of(6) }] }, 'sequence 1 names block 6, the cache has 6 blocks'],
  [
    { sequences: [first, { ...second, blocks: Int32Array.of(-1) }] },
    'sequence 1 names block -1, the cache has 6 blocks',
  ],
  [{ sequences: [{ ...first, blocks: Int32Array.of(5, 5) }, second] }, 'sequence 0 names block 5 twice'],
  [{ logitRows: Int32Array.of(1, 3) }, 'logits of row 3 of 3 rows'],
  [{ logitRows: Int32Array.of(-1) }, 'logits of row -1 of 3 rows'],
  [{ logitRows: Int32Array.of(2, 1) }, 'logits of row 1 after row 2, expected ascending rows'],
])('rejects case %#', (change, message) => {
  const error = catchError(() => checkBatch({ ...good, ...change }, program, kvCache));
  expect(error).toMatchObject({ code: 'BATCH', message: `batch: ${message}` });
});

function catchError(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
