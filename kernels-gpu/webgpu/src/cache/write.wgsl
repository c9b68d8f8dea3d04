// Puts keys (part 0) and values (part 1) of the batch's rows into the paged cache, as elements of its type.
//
//   input        [rows, WIDTH]
//   cache        [blocks * BLOCK_SIZE, ROW_WORDS]     element i of a token: bits ELEMENT_BITS * (i % PER_WORD) of a word
//   quantities   scales, then zero points of each feature
//   pages        of each row: its position p, and where its blocks begin in blockTable: that of p is p / BLOCK_SIZE on
//
// Unrolled by gpu/unroll.ts.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let w = group.x * 64 + thread;
  let row = group.y;
  if row >= counts.x { return; }
  let page = pages[row];
  let slot = blockTable[page.y + page.x / BLOCK_SIZE] * BLOCK_SIZE + page.x % BLOCK_SIZE;
  // repeat part 2
  if group.z == $part && w < ROW_WORDS$part {
    var word = 0u;
    for (var e = 0u; e < 32 / ELEMENT_BITS; e++) {
      let feature = w * (32 / ELEMENT_BITS) + e;
      if feature >= WIDTH$part { break; }
      var value = input$part[row * WIDTH$part + feature];
      if SCALED == 1 { value = divide(value, quantities$part[feature]); }
      word |= encode$part(value, feature, WIDTH$part) << (ELEMENT_BITS * e);
    }
    cache$part[slot * ROW_WORDS$part + w] = word;
  }
  // end
}
