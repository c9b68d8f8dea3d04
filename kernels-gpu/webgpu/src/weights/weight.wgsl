// A weight, row by row:
//
//   codes    [rows, ROW_WORDS]   word w of a row: columns w * PER_WORD ... in the slots of slotBit()
//   tables   scales, zero points, shifts [rows, GROUPS], each where it has one, scales and zero points f32 or two numbers of
//            16 bits in a word, padded to whole words in each row; then the group of each column
//
// Rows are counted in the part, p; the part begins at row PART_FIRST of all matrices, one after the other.

const PER_WORD = 32 / BITS;
const CODE_MASK = 0xffffffffu >> (32 - BITS);

fn slotBit(slot: u32) -> u32 {
  if BITS < 8 { return 8 * (slot & 3) + BITS * (slot >> 2); }
  return BITS * slot;
}

fn groupOf(p: u32, column: u32) -> u32 {
  if INDEXED == 1 {
    let matrix = (p + PART_FIRST) / OUT_FEATURES;
    return tables[GROUP_OF_AT + matrix * IN_FEATURES + column];
  }
  return column / GROUP_SIZE;
}

fn scaleAt(p: u32, group: u32) -> f32 {
  if SCALED == 0 { return 1.0; }
  return scaleIn(p * SCALE_WORDS, group);
}

fn zeroAt(p: u32, group: u32) -> f32 {
  if ZEROS == 0 { return OFFSET; }
  return zeroIn(ZERO_AT + p * ZERO_WORDS, group);
}

fn shiftAt(p: u32, group: u32) -> f32 {
  if SHIFTED == 0 { return 0.0; }
  return bitcast<f32>(tables[SHIFT_AT + p * GROUPS + group]);
}

fn codeIn(word: u32, slot: u32) -> u32 {
  return (word >> slotBit(slot)) & CODE_MASK;
}

fn weightIn(word: u32, slot: u32, p: u32, column: u32) -> f32 {
  let group = groupOf(p, column);
  return (number(codeIn(word, slot)) - zeroAt(p, group)) * scaleAt(p, group) + shiftAt(p, group);
}
