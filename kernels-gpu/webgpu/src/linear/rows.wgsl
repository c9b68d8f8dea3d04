// Rows of an operation: those of the batch or those whose logits are wanted, SLOTS of them for each (experts of a row).
//
//   counts   uniform: rows of the batch, rows of logits

fn rowCount() -> u32 {
  return select(counts.x, counts.y, LOGITS == 1) * SLOTS;
}
