import type { Batch, Executable } from '@lowbit/core';

/**
 * A made-up model for tests of the engine: its cache holds token ids, and the next token it wants is a hash of all
 * tokens it sees. Any mistake in blocks, positions or order changes the answer.
 */
export function createRecallingExecutable(options: {
  readonly vocabSize: number;
  readonly blocks: number;
  readonly blockSize: number;
  /** Called with every batch before it runs. */
  readonly onBatch?: (batch: Batch) => void;
}): Executable {
  const { vocabSize, blockSize } = options;
  const cache = new Int32Array(options.blocks * blockSize).fill(-1);
  return {
    memory: { weights: 0, kvCache: cache.byteLength },
    async run(batch) {
      options.onBatch?.(batch);
      const wanted = [...batch.logitRows];
      const logits = new Float32Array(wanted.length * vocabSize);
      for (const { firstRow, rows, blocks } of batch.sequences) {
        const slot = (position: number) =>
          blocks[Math.floor(position / blockSize)]! * blockSize + (position % blockSize);
        for (let row = firstRow; row < firstRow + rows; row++) {
          const position = batch.positions[row]!;
          cache[slot(position)] = batch.tokenIds[row]!;
          const at = wanted.indexOf(row);
          if (at < 0) continue;
          const seen = Array.from({ length: position + 1 }, (_, past) => cache[slot(past)]!);
          logits[at * vocabSize + predictNext(seen, vocabSize)] = 1;
        }
      }
      return logits;
    },
    async close() {},
  };
}

/** The token that the made-up model wants after these. */
export function predictNext(tokenIds: readonly number[], vocabSize: number): number {
  return tokenIds.reduce((hash, token) => (hash * 31 + token + 7) % 1_000_003, 1) % vocabSize;
}
