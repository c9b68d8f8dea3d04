import type { Batch, Phase } from '@lowbit/core';

/** The next rows of one sequence. */
export interface BatchPart {
  readonly tokenIds: readonly number[];
  /** Position of the first of them. */
  readonly position: number;
  readonly blocks: readonly number[];
  readonly phase: Phase;
  /** Rows of this part whose logits are wanted, ascending, counted from the part's first. */
  readonly logitRows: readonly number[];
}

/** Lays parts of several sequences one after the other. */
export function joinBatch(parts: readonly BatchPart[]): Batch {
  const tokens = parts.reduce((sum, part) => sum + part.tokenIds.length, 0);
  const tokenIds = new Int32Array(tokens);
  const positions = new Int32Array(tokens);
  const logitRows: number[] = [];
  const sequences: Batch['sequences'][number][] = [];
  let firstRow = 0;
  for (const part of parts) {
    const rows = part.tokenIds.length;
    tokenIds.set(part.tokenIds, firstRow);
    for (let row = 0; row < rows; row++) positions[firstRow + row] = part.position + row;
    for (const row of part.logitRows) logitRows.push(firstRow + row);
    sequences.push({ firstRow, rows, blocks: Int32Array.from(part.blocks), phase: part.phase });
    firstRow += rows;
  }
  return { tokenIds, positions, sequences, logitRows: Int32Array.from(logitRows) };
}
