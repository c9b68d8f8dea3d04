// Moves codes from a stored tensor into rows of packed words; what is where, is data.
//
//   raw       the piece of the tensor that is here, from word `task.rawStart` on
//   rows      vec2u: 32-bit word, bit        code (r, c) begins at rows[r] + columns[c]
//   columns   vec2u
//   packed    row r, word w: columns w * PER_WORD ... in the slots of slotBit()
//
// One thread makes one word. Codes that begin outside the piece are left to another dispatch: words start as zeros, and
// each dispatch adds its codes.

struct Task {
  rawStart: u32,      // words
  rawEnd: u32,        // one past the last word in which a code of this piece may begin
  firstRow: u32,
  numRows: u32,
  firstWord: u32,
  numWords: u32,
  numColumns: u32,
  rowWords: u32,
  destination: u32,        // word of row `rowOrigin` in packed
  rowOrigin: u32,
  add: u32,
  addend: u32,        // added to a whole stored word, with carries
  streamWord: u32,    // bits of a stream's word; 0: words of a stream are neighbours
  streamWords: u32,
  streamInner: u32,
}

const PER_WORD = 32 / OUT_BITS;
const CODE_MASK = 0xffffffffu >> (32 - CODE_BITS);

fn slotBit(slot: u32) -> u32 {
  if OUT_BITS < 8 { return 8 * (slot & 3) + OUT_BITS * (slot >> 2); }
  return OUT_BITS * slot;
}

fn rawWord(word: u32) -> u32 {
  let index = word - task.rawStart;
  return select(0u, raw[min(index, arrayLength(&raw) - 1)], index < arrayLength(&raw));
}

// Up to 32 bits from a place on, the words being neighbours.
fn bitsAt(word: u32, bit: u32) -> u32 {
  let low = rawWord(word) >> bit;
  return select(low, low | (rawWord(word + 1) << (32 - bit)), bit != 0 && bit + CODE_BITS > 32);
}

// A stored word of 8, 16 or 32 bits with the sum that runs through its fields.
fn carriedWord(word: u32) -> u32 {
  return (word + task.addend) & (0xffffffffu >> (32 - u32(max(CARRY_WORD, 1))));
}

// The same where the words of a stream lie apart.
fn streamBitsAt(word: u32, bit: u32) -> u32 {
  var taken = 0u;
  var value = 0u;
  loop {
    let place = bit + taken;
    let linear32 = word + (place >> 5);
    let linear = select(linear32 * (32 / min(task.streamWord, 32)), linear32 >> 1, task.streamWord == 64)
      + select((place & 31) / task.streamWord, 0u, task.streamWord == 64);
    let within = select((place & 31) % task.streamWord, ((linear32 & 1) << 5) + (place & 31), task.streamWord == 64);
    let outer = linear / task.streamWords;
    let step = linear % task.streamWords;
    let stored = ((outer / task.streamInner) * task.streamWords + step) * task.streamInner + outer % task.streamInner;
    let count = min(CODE_BITS - taken, min(task.streamWord - within, 32 - (within & 31)));
    // A word of the stream in 32-bit words of memory.
    let firstBit = (stored * (task.streamWord & 31)) & 31;
    let memory = select(stored * task.streamWord / 32, stored * 2 + (within >> 5), task.streamWord == 64);
    let shift = select(firstBit + within, within & 31, task.streamWord >= 32);
    let mask = 0xffffffffu >> (32 - count);
    if CARRY_WORD == 0 {
      value |= ((rawWord(memory) >> shift) & mask) << taken;
    } else {
      value = (carriedWord(rawWord(memory) >> firstBit) >> within) & mask;
    }
    taken += count;
    if taken >= CODE_BITS { break; }
  }
  return value;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let wordIndex = group.x * 64 + thread;
  let rowIndex = group.y + group.z * 32768;
  if wordIndex >= task.numWords || rowIndex >= task.numRows { return; }
  let w = task.firstWord + wordIndex;
  let r = task.firstRow + rowIndex;
  var word = 0u;
  for (var slot = 0u; slot < PER_WORD; slot++) {
    let c = w * PER_WORD + slot;
    if c >= task.numColumns { break; }
    let row = rows[r];
    let column = columns[c];
    let bit = row.y + column.y;
    let start = row.x + column.x + (bit >> 5);
    var stored = 0u;
    if STREAM == 1 {
      stored = streamBitsAt(start, bit & 31);
    } else {
      if start < task.rawStart || start >= task.rawEnd { continue; }
      if CARRY_WORD == 0 {
        stored = bitsAt(start, bit & 31);
      } else {
        let wordBit = (bit & 31) & ~(u32(max(CARRY_WORD, 1)) - 1);
        stored = carriedWord(rawWord(start) >> wordBit) >> ((bit & 31) - wordBit);
      }
    }
    let code = (stored + task.add) & CODE_MASK;
    word |= convert(code) << slotBit(slot);
  }
  let place = task.destination + (r - task.rowOrigin) * task.rowWords + w;
  packed[place] |= word;
}
