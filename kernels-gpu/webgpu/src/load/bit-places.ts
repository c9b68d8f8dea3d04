import { isStream, type Stored } from '@lowbit/core';
import { bitPositions } from '@lowbit/numerics';

/** Where the codes of a table begin: that of row r and column c at the sum of a row's and a column's place. */
export interface BitPlaces {
  /** `[rows, 2]` and `[columns, 2]`: 32-bit word, and bit in it. */
  readonly rows: Uint32Array;
  readonly columns: Uint32Array;
  /** Words of one stream lie `inner` words apart; places count as if they were neighbours. */
  readonly stream?: { readonly word: number; readonly words: number; readonly inner: number };
}

/** @throws LayoutError where layout, tensor and size do not fit */
export function bitPlaces(stored: Stored, rows: number, columns: number): BitPlaces {
  const positions = bitPositions(stored, [
    ['out', rows],
    ['in', columns],
  ]);
  return { rows: split(positions.rows), columns: split(positions.columns), ...streamOf(stored) };
}

function split(positions: Float64Array): Uint32Array {
  const places = new Uint32Array(2 * positions.length);
  positions.forEach((position, index) => {
    places[2 * index] = Math.floor(position / 32);
    places[2 * index + 1] = position % 32;
  });
  return places;
}

function streamOf({ ref, layout: { packed } }: Stored): Pick<BitPlaces, 'stream'> {
  if (!packed || !isStream(packed) || packed.stream === ref.shape.length - 1) return {};
  const inner = ref.shape.slice(packed.stream + 1).reduce((product, size) => product * size, 1);
  return { stream: { word: packed.word, words: ref.shape[packed.stream]!, inner } };
}
