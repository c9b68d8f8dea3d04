import { expect, it } from 'vitest';
import { divideRows } from './divide-rows.ts';

const rows = (count: number, sequence: number) => Array<number>(count).fill(sequence);

it('takes long runs of a sequence in tiles of 32 and the rest row by row', () => {
  const { singles, tiles } = divideRows([...rows(1, 0), ...rows(40, 1), ...rows(7, 2), ...rows(8, 3)]);
  expect(singles).toEqual([0, 41, 42, 43, 44, 45, 46, 47]);
  expect(tiles.map((tile) => [tile & 0xffff, tile >>> 16])).toEqual([
    [1, 32],
    [33, 8],
    [48, 8],
  ]);
});

it('has nothing to do without rows', () => {
  expect(divideRows([])).toEqual({ singles: [], tiles: [] });
});
