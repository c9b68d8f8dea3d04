// Candidates out of a chunk of the vocabulary. Logits are read as bits: WGSL need not know NaN and infinities.
//
//   logits        [rows, VOCAB]
//   leading       [rows, CHUNKS, wanted[0]]: of each chunk the best, or all it has and then zeros, which no candidate is
//   sums          [rows, CHUNKS]

fn candidatesOf(group: vec3u, count: u32) -> u32 { return termsOf(group); }

fn candidateAt(group: vec3u, count: u32, i: u32) -> vec2u {
  let token = group.x * CHUNK + i;
  return vec2u(orderOf(logits[group.y * VOCAB + token]), ~token);
}

fn putCandidate(group: vec3u, place: u32, candidate: vec2u) {
  leading[(group.y * CHUNKS + group.x) * wanted[0] + place] = candidate;
}

fn termsOf(group: vec3u) -> u32 { return min(CHUNK, VOCAB - group.x * CHUNK); }

fn termAt(group: vec3u, i: u32) -> vec2f {
  let bits = logits[group.y * VOCAB + group.x * CHUNK + i];
  if (bits & 0x7f800000u) == 0x7f800000u { return vec2f(LOWEST, 0.0); }
  return vec2f(bitcast<f32>(bits), 1.0);
}

fn putSum(group: vec3u, sum: vec2f) { sums[group.y * CHUNKS + group.x] = sum; }

// The larger the logit, the larger; NaN above all, both zeros alike.
fn orderOf(bits: u32) -> u32 {
  let magnitude = bits & 0x7fffffffu;
  if magnitude > 0x7f800000u { return 0xffffffffu; }
  if magnitude == bits || magnitude == 0u { return magnitude | 0x80000000u; }
  return ~bits;
}
