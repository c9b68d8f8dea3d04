// Puts keys or values of the batch's rows into the paged cache, as elements of its type.
//
//   input        [rows, WIDTH]
//   cache        [blocks * BLOCK_SIZE, ROW_WORDS]     element i of a token: bits ELEMENT_BITS * (i % PER_WORD) of a word
//   quantities   scales, then zero points of each feature
//   pages        of each row: its position p, and where its blocks begin in blockTable: that of p is p / BLOCK_SIZE on

const PER_WORD = 32 / ELEMENT_BITS;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let w = group.x * 64 + thread;
  let row = group.y + group.z * 32768;
  if w >= ROW_WORDS || row >= counts.x { return; }
  let position = pages[row].x;
  let block = blockTable[pages[row].y + position / BLOCK_SIZE];
  var word = 0u;
  for (var slot = 0u; slot < PER_WORD; slot++) {
    let feature = w * PER_WORD + slot;
    if feature >= WIDTH { break; }
    var value = input[row * WIDTH + feature];
    if SCALED == 1 { value = divide(value, quantities[feature]); }
    word |= encode(value, feature, WIDTH) << (ELEMENT_BITS * slot);
  }
  cache[(block * BLOCK_SIZE + position % BLOCK_SIZE) * ROW_WORDS + w] = word;
}
