import type { BitPlaces } from './bit-places.ts';

/** A piece of a stored tensor, and the part of the packed table that its codes may go to. Words have 32 bits. */
export interface Piece {
  readonly rawStart: number;
  readonly rawEnd: number;
  readonly firstRow: number;
  readonly numRows: number;
  readonly firstWord: number;
  readonly numWords: number;
}

export interface TablePart {
  readonly firstRow: number;
  readonly rows: number;
  readonly columns: number;
  /** Columns in a packed word. */
  readonly perWord: number;
}

interface Range {
  readonly least: number;
  readonly most: number;
}

/** Everything at once. */
export function wholePiece(words: number, { firstRow, rows, columns, perWord }: TablePart): Piece {
  const numWords = Math.ceil(columns / perWord);
  return { rawStart: 0, rawEnd: words, firstRow, numRows: rows, firstWord: 0, numWords };
}

/** Cuts what some rows need of a tensor into pieces of at most `words` words, each with the rows and columns it can hold. */
export function cutPieces(places: BitPlaces, part: TablePart, words: number): readonly Piece[] {
  const { firstRow, rows, columns, perWord } = part;
  const ofRows = rangeOf(places.rows, firstRow, firstRow + rows);
  const ofColumns = rangeOf(places.columns, 0, columns);
  // The bits of a row's and a column's place may add up to one word more.
  const end = ofRows.most + ofColumns.most + 2;
  const pieces: Piece[] = [];
  for (let rawStart = ofRows.least + ofColumns.least; rawStart < end; rawStart += words) {
    const rawEnd = Math.min(rawStart + words, end);
    const inside = (places: Uint32Array, first: number, last: number, other: Range) => {
      const holds = (index: number) =>
        places[2 * index]! + other.least < rawEnd && places[2 * index]! + other.most + 1 >= rawStart;
      let [from, to] = [first, last];
      while (from < to && !holds(from)) from++;
      while (to > from && !holds(to - 1)) to--;
      return [from, to] as const;
    };
    const [rowFrom, rowTo] = inside(places.rows, firstRow, firstRow + rows, ofColumns);
    const [columnFrom, columnTo] = inside(places.columns, 0, columns, ofRows);
    if (rowFrom === rowTo || columnFrom === columnTo) continue;
    const firstWord = Math.floor(columnFrom / perWord);
    const numWords = Math.ceil(columnTo / perWord) - firstWord;
    pieces.push({ rawStart, rawEnd, firstRow: rowFrom, numRows: rowTo - rowFrom, firstWord, numWords });
  }
  return pieces;
}

function rangeOf(places: Uint32Array, first: number, last: number): Range {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let index = first; index < last; index++) {
    least = Math.min(least, places[2 * index]!);
    most = Math.max(most, places[2 * index]!);
  }
  return { least, most };
}
