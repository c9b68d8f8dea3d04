// Candidates out of those that the chunks of a row left.
//
//   leading    [rows, CHUNKS, wanted[0]]
//   sums       [rows, CHUNKS]
//   chosen     [rows, 2 + 2 * wanted[0]]: the sum, token ids, logits; all as bits

fn candidatesOf(group: vec3u, count: u32) -> u32 { return CHUNKS * count; }

fn candidateAt(group: vec3u, count: u32, i: u32) -> vec2u {
  return leading[(group.y * CHUNKS + i / count) * wanted[0] + i % count];
}

fn putCandidate(group: vec3u, place: u32, candidate: vec2u) {
  let first = group.y * (2u + 2u * wanted[0]) + 2u;
  chosen[first + place] = ~candidate.y;
  chosen[first + wanted[0] + place] = bitsOf(candidate.x);
}

fn termsOf(group: vec3u) -> u32 { return CHUNKS; }

fn termAt(group: vec3u, i: u32) -> vec2f { return sums[group.y * CHUNKS + i]; }

fn putSum(group: vec3u, sum: vec2f) {
  let first = group.y * (2u + 2u * wanted[0]);
  chosen[first] = bitcast<u32>(sum.x);
  chosen[first + 1u] = bitcast<u32>(sum.y);
}

// What `orderOf` of chunk.wgsl was made of.
fn bitsOf(order: u32) -> u32 {
  if order == 0xffffffffu { return 0x7fc00000u; }
  if order >= 0x80000000u { return order & 0x7fffffffu; }
  return ~order;
}
