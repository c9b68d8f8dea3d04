/** Rows of a tile of attend-tiles.wgsl, and the least for which that is worth it. */
const tileRows = 32;
const leastTileRows = 8;

/** How attention takes the rows of a batch. */
export interface DividedRows {
  /** Rows that attend by themselves. */
  readonly singles: readonly number[];
  /** Rows of one sequence, one after the other: the first, and their number in the upper 16 bits. */
  readonly tiles: readonly number[];
}

/** @param sequences of each row, something that tells its sequence; rows of one stand together */
export function divideRows(sequences: readonly unknown[]): DividedRows {
  const singles: number[] = [];
  const tiles: number[] = [];
  for (let first = 0, end = 0; first < sequences.length; first = end) {
    while (end < sequences.length && sequences[end] === sequences[first]) end++;
    if (end - first < leastTileRows) {
      for (let row = first; row < end; row++) singles.push(row);
      continue;
    }
    for (let row = first; row < end; row += tileRows) tiles.push(row + 2 ** 16 * Math.min(tileRows, end - row));
  }
  return { singles, tiles };
}
