// Number of a column of a row, from codes bound as u32.

fn weightAt(p: u32, column: u32) -> f32 {
  return weightIn(codes[p * ROW_WORDS + column / PER_WORD], column % PER_WORD, p, column);
}
