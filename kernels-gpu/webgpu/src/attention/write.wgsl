// Puts whole rows of keys and values into the paged cache, as elements of its type: a thread makes a word of either.
//
//   key, value     [rows, width]
//   keys, values   [blocks * BLOCK_SIZE, words]     element i of a token: bits ELEMENT_BITS * (i % PER_WORD) of a word
//
// See pages.wgsl.

const PER_WORD = 32u / ELEMENT_BITS;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let w = group.x * 64 + thread;
  let row = group.y;
  if row >= counts.x { return; }
  let slot = slotOf(row, positionOf(row));
  if w < KEY_WORDS {
    var word = 0u;
    for (var i = w * PER_WORD; i < min((w + 1) * PER_WORD, KEY_WIDTH); i++) {
      word |= keyCode(key[row * KEY_WIDTH + i], i) << (ELEMENT_BITS * (i % PER_WORD));
    }
    keys[slot * KEY_WORDS + w] = word;
  }
  if w < VALUE_WORDS {
    var word = 0u;
    for (var i = w * PER_WORD; i < min((w + 1) * PER_WORD, VALUE_WIDTH); i++) {
      word |= valueCode(value[row * VALUE_WIDTH + i], i) << (ELEMENT_BITS * (i % PER_WORD));
    }
    values[slot * VALUE_WORDS + w] = word;
  }
}
