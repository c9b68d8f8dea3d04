// Causal attention of one row and head over one stretch of the paged cache; a workgroup each.
//
//   query         [rows, HEADS * HEAD_SIZE]
//   pages         of each row: its position, and where its blocks begin in blockTable
//   keys, values  [blocks * BLOCK_SIZE, KEY_WORDS]   elements of KEY_BITS
//   keyQuantities, valueQuantities   scales, then zero points of each feature
//   parts         [rows, HEADS, stretches, VALUE_HEAD_SIZE + 2]: sums of weighted values, the largest score, and the sum of
//                 the weights, exp(score - largest); join.wgsl makes one of the stretches
//
// A stretch is counts.w positions, a multiple of THREADS. They go by in tiles of THREADS: every thread makes one score,
// then its features of the sums, which are scaled down whenever the largest score grows.

const THREADS = 128;
const LEAST = -3.4e38;
var<workgroup> ownQuery: array<f32, QUERY_ROOM>;
var<workgroup> scores: array<f32, THREADS>;
var<workgroup> slots: array<u32, THREADS>;
var<workgroup> largestOf: array<f32, THREADS>;

fn keyDot(slot: u32, head: u32) -> f32 {
  let first = head * HEAD_SIZE;
  var sum = 0.0;
  if HEAD_SIZE % (32 / KEY_BITS) != 0 {
    for (var i = 0u; i < HEAD_SIZE; i++) {
      let feature = first + i;
      let word = keys[slot * KEY_WORDS + feature / (32 / KEY_BITS)];
      sum += ownQuery[i] * keyNumber(elementOf(word, feature % (32 / KEY_BITS), KEY_BITS), feature, KV_HEADS * HEAD_SIZE);
    }
    return sum;
  }
  for (var i = 0u; i < HEAD_SIZE; i += 32 / KEY_BITS) {
    let feature = first + i;
    let word = keys[slot * KEY_WORDS + feature / (32 / KEY_BITS)];
    for (var e = 0u; e < 32 / KEY_BITS; e++) {
      sum += ownQuery[i + e] * keyNumber(elementOf(word, e, KEY_BITS), feature + e, KV_HEADS * HEAD_SIZE);
    }
  }
  return sum;
}

fn elementOf(word: u32, index: u32, bits: u32) -> u32 {
  return (word >> (bits * index)) & (0xffffffffu >> (32 - bits));
}

fn valueAt(slot: u32, feature: u32) -> f32 {
  let word = values[slot * VALUE_WORDS + feature / (32 / VALUE_BITS)];
  return valueNumber(elementOf(word, feature % (32 / VALUE_BITS), VALUE_BITS), feature, KV_HEADS * VALUE_HEAD_SIZE);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.y;
  if row >= counts.x { return; }
  let head = group.x;
  let kvHead = head / (HEADS / KV_HEADS);
  let page = pages[row];
  var first = 0u;
  if WINDOW > 0 && page.x + 1 > WINDOW { first = page.x + 1 - WINDOW; }
  first = max(first, group.z * counts.w);
  let end = min(page.x + 1, (group.z + 1) * counts.w);
  for (var i = thread; i < HEAD_SIZE; i += THREADS) { ownQuery[i] = query[(row * HEADS + head) * HEAD_SIZE + i]; }
  workgroupBarrier();

  var largest = LEAST;
  var total = 0.0;
  var sums: array<f32, OWN_VALUES>;
  for (var start = first; start < end; start += THREADS) {
    let position = start + thread;
    var score = LEAST;
    if position < end {
      let slot = blockTable[page.y + position / BLOCK_SIZE] * BLOCK_SIZE + position % BLOCK_SIZE;
      slots[thread] = slot;
      score = keyDot(slot, kvHead) * SCALE;
    }
    largestOf[thread] = score;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0; half /= 2) {
      if thread < half { largestOf[thread] = max(largestOf[thread], largestOf[thread + half]); }
      workgroupBarrier();
    }
    let before = largest;
    largest = max(largest, largestOf[0]);
    if position < end { scores[thread] = exp(score - largest); }
    workgroupBarrier();
    let kept = exp(before - largest);
    total *= kept;
    for (var own = 0u; own < OWN_VALUES; own++) { sums[own] *= kept; }
    let count = min(THREADS, end - start);
    for (var j = 0u; j < count; j++) {
      let weight = scores[j];
      total += weight;
      for (var own = 0u; own < OWN_VALUES; own++) {
        let i = min(thread + own * THREADS, VALUE_HEAD_SIZE - 1);
        sums[own] += weight * valueAt(slots[j], kvHead * VALUE_HEAD_SIZE + i);
      }
    }
    workgroupBarrier();
  }
  let part = ((row * HEADS + head) * counts.z + group.z) * (VALUE_HEAD_SIZE + 2);
  for (var own = 0u; own < OWN_VALUES; own++) {
    let i = thread + own * THREADS;
    if i < VALUE_HEAD_SIZE { parts[part + i] = sums[own]; }
  }
  if thread == 0 {
    parts[part + VALUE_HEAD_SIZE] = largest;
    parts[part + VALUE_HEAD_SIZE + 1] = total;
  }
}
