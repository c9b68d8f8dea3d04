/// <reference types="@webgpu/types" />
import type { Counts } from '../gpu/dispatch.ts';

/** Rows of a tile of multiply-tiles.wgsl and multiply-byte-tiles.wgsl, and its outputs. */
export const tileRows = 64;
export const tileOuts = 128;

/** Rows sorted by their matrix, as moe/sort-rows.wgsl writes them. */
export interface SortedRows {
  readonly tiles: GPUBuffer;
  readonly matrices: number;
}

/** Most tiles of so many rows: each matrix may have one that is not full. */
export function mostTiles(rows: number, matrices: number): number {
  return Math.floor(rows / tileRows) + Math.min(rows, matrices);
}

/**
 * The functions that say which rows a tile has: `tileOf` its number, `rowIn` the row of y of one of its lines, `sourceOf`
 * the row of x. Rows of one matrix lie side by side, others are looked up.
 */
export function tileShader(sorted: SortedRows | undefined, capacity: number, rows: (counts: Counts) => number) {
  const lookUp = `let at = 3 * index;
  return Tile(tiles[at], tiles[at + 1], tiles[at + 2]);`;
  const inOrder = `let first = index * ${tileRows};
  return Tile(0, first, min(rowCount() - min(first, rowCount()), ${tileRows}));`;
  return {
    source: `
struct Tile { matrix: u32, first: u32, rows: u32 }
fn tileOf(index: u32) -> Tile {
  ${sorted ? lookUp : inOrder}
}
fn rowIn(tile: Tile, line: u32) -> u32 { return ${sorted ? 'tiles[SORTED_AT + tile.first + line]' : 'tile.first + line'}; }
fn sourceOf(tile: Tile, line: u32) -> u32 { return rowIn(tile, line) / SHARED; }`,
    sizes: sorted ? { SORTED_AT: 3 * mostTiles(capacity, sorted.matrices) } : {},
    bindings: sorted ? { tiles: { buffer: sorted.tiles, type: 'u32' } } : {},
    count: (counts: Counts) => (sorted ? mostTiles(rows(counts), sorted.matrices) : Math.ceil(rows(counts) / tileRows)),
  };
}
