// Where the keys and values of a sequence lie, and how its rows attend.
//
//   pages   [rows, 4] then the block tables of the sequences
//           of row r: its position; where the blocks of its sequence begin in `pages`: that of position p is p / BLOCK_SIZE on;
//           the r-th row that attends by itself; the r-th tile: its first row and, in the upper 16 bits, its rows

fn positionOf(row: u32) -> u32 {
  return pages[4 * row];
}

// Of a position of the row's sequence, in the caches.
fn slotOf(row: u32, position: u32) -> u32 {
  return pages[pages[4 * row + 1] + position / BLOCK_SIZE] * BLOCK_SIZE + position % BLOCK_SIZE;
}

fn singleRow(index: u32) -> u32 {
  return pages[4 * index + 2];
}

fn tileAt(index: u32) -> u32 {
  return pages[4 * index + 3];
}
