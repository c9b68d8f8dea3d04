import type { Batch, KvCacheSize } from './backend.ts';
import { LowbitError } from './errors/lowbit-error.ts';
import type { ModelProgram } from './program.ts';

/**
 * A batch is made by a program, not by a user: whatever is wrong with it is a mistake of the caller.
 * @throws LowbitError BATCH
 */
export function checkBatch(batch: Batch, { vocabSize, contextLength }: ModelProgram, kvCache: KvCacheSize): void {
  const { tokenIds, positions, sequences, logitRows } = batch;
  const rows = tokenIds.length;
  if (positions.length !== rows) fail(`${rows} token ids and ${positions.length} positions`);
  tokenIds.forEach((id, row) => {
    if (id < 0 || id >= vocabSize) fail(`row ${row}: token id ${id} of a vocabulary of ${vocabSize}`);
  });

  let nextRow = 0;
  sequences.forEach((sequence, index) => {
    const { firstRow } = sequence;
    if (firstRow !== nextRow || sequence.rows < 1 || firstRow + sequence.rows > rows) {
      fail(`sequence ${index} has rows ${firstRow}..${firstRow + sequence.rows}, expected some of ${nextRow}..${rows}`);
    }
    nextRow += sequence.rows;
    const first = positions[firstRow]!;
    const last = first + sequence.rows - 1;
    if (first < 0 || last >= contextLength) {
      fail(`sequence ${index} has positions ${first}..${last} in a context of ${contextLength}`);
    }
    for (let row = firstRow; row < nextRow; row++) {
      const expected = first + row - firstRow;
      if (positions[row] !== expected) fail(`row ${row}: position ${positions[row]}, expected ${expected}`);
    }
    checkBlocks(sequence.blocks, index, last, kvCache);
  });
  if (nextRow !== rows) fail(`${rows} rows, but sequences of ${nextRow}`);

  logitRows.forEach((row, index) => {
    if (row < 0 || row >= rows) fail(`logits of row ${row} of ${rows} rows`);
    const previous = logitRows[index - 1];
    if (previous !== undefined && row <= previous)
      fail(`logits of row ${row} after row ${previous}, expected ascending rows`);
  });
}

function checkBlocks(ids: Int32Array, sequence: number, last: number, { blockSize, blocks }: KvCacheSize): void {
  const needed = Math.floor(last / blockSize) + 1;
  if (ids.length < needed) {
    fail(`sequence ${sequence} has ${ids.length} blocks of ${blockSize}, its position ${last} needs ${needed}`);
  }
  const wrong = ids.find((id) => id < 0 || id >= blocks);
  if (wrong !== undefined) fail(`sequence ${sequence} names block ${wrong}, the cache has ${blocks} blocks`);
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) fail(`sequence ${sequence} names block ${repeated} twice`);
}

function fail(message: string): never {
  throw new LowbitError({ code: 'BATCH', message: `batch: ${message}` });
}
