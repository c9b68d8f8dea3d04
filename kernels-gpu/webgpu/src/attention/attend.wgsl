// Causal attention of one row and head over the paged cache; a workgroup each.
//
//   query         [rows, HEADS * HEAD_SIZE]          output the same with VALUE_HEAD_SIZE
//   pages         of each row: its position, and where its blocks begin in blockTable
//   keys, values  [blocks * BLOCK_SIZE, KEY_WORDS]   elements of KEY_BITS
//   keyQuantities, valueQuantities   scales, then zero points of each feature
//
// Positions go by in tiles of THREADS: every thread makes one score, then its features of the output. The softmax keeps
// the largest score so far, and what was added up is scaled whenever that grows.

const THREADS = 64;
const LEAST = -3.4e38;
var<workgroup> ownQuery: array<f32, QUERY_ROOM>;
var<workgroup> scores: array<f32, THREADS>;
var<workgroup> slots: array<u32, THREADS>;

fn keyAt(slot: u32, feature: u32) -> f32 {
  let word = keys[slot * KEY_WORDS + feature / (32 / KEY_BITS)];
  let code = (word >> (KEY_BITS * (feature % (32 / KEY_BITS)))) & (0xffffffffu >> (32 - KEY_BITS));
  return keyNumber(code, feature, KV_HEADS * HEAD_SIZE);
}

fn valueAt(slot: u32, feature: u32) -> f32 {
  let word = values[slot * VALUE_WORDS + feature / (32 / VALUE_BITS)];
  let code = (word >> (VALUE_BITS * (feature % (32 / VALUE_BITS)))) & (0xffffffffu >> (32 - VALUE_BITS));
  return valueNumber(code, feature, KV_HEADS * VALUE_HEAD_SIZE);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.y + group.z * 32768;
  if row >= counts.x { return; }
  let head = group.x;
  let kvHead = head / (HEADS / KV_HEADS);
  let page = pages[row];
  let last = page.x;
  var first = 0u;
  if WINDOW > 0 && last + 1 > WINDOW { first = last + 1 - WINDOW; }
  for (var i = thread; i < HEAD_SIZE; i += THREADS) { ownQuery[i] = query[(row * HEADS + head) * HEAD_SIZE + i]; }
  workgroupBarrier();

  var largest = LEAST;
  var total = 0.0;
  var sums: array<f32, OWN_VALUES>;
  for (var start = first; start <= last; start += THREADS) {
    let position = start + thread;
    var score = LEAST;
    if position <= last {
      let slot = blockTable[page.y + position / BLOCK_SIZE] * BLOCK_SIZE + position % BLOCK_SIZE;
      slots[thread] = slot;
      var dot = 0.0;
      for (var i = 0u; i < HEAD_SIZE; i++) { dot += ownQuery[i] * keyAt(slot, kvHead * HEAD_SIZE + i); }
      score = dot * SCALE;
    }
    scores[thread] = score;
    workgroupBarrier();
    let count = min(THREADS, last + 1 - start);
    let before = largest;
    for (var j = 0u; j < count; j++) { largest = max(largest, scores[j]); }
    workgroupBarrier();
    if position <= last { scores[thread] = exp(score - largest); }
    workgroupBarrier();
    let kept = exp(before - largest);
    total *= kept;
    for (var own = 0u; own < OWN_VALUES; own++) { sums[own] *= kept; }
    for (var j = 0u; j < count; j++) {
      let weight = scores[j];
      total += weight;
      for (var own = 0u; own < OWN_VALUES; own++) {
        let i = thread + own * THREADS;
        if i < VALUE_HEAD_SIZE { sums[own] += weight * valueAt(slots[j], kvHead * VALUE_HEAD_SIZE + i); }
      }
    }
    workgroupBarrier();
  }
  for (var own = 0u; own < OWN_VALUES; own++) {
    let i = thread + own * THREADS;
    if i < VALUE_HEAD_SIZE { output[(row * HEADS + head) * VALUE_HEAD_SIZE + i] = sums[own] / total; }
  }
}
