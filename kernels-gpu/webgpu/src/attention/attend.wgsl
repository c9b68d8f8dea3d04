// Causal attention of one row and head over one stretch of the paged cache; a workgroup each.
//
//   query         [rows, HEADS * HEAD_SIZE]
//   keys, values  [blocks * BLOCK_SIZE, words]   the paged cache, read four features at a time: a quad
//   parts         [rows of the dispatch, HEADS, stretches, VALUE_HEAD_SIZE + 2]: sums of weighted values, the largest score,
//                 and the sum of the weights, exp(score - largest); join.wgsl makes one of the stretches
//   output        [rows, HEADS * VALUE_HEAD_SIZE], where there is one stretch
//
// A stretch is counts.w positions. They go by in tiles of THREADS: LANES threads share a score, then every thread takes
// one quad of the values at every VALUE_LANES-th position; sums are scaled down whenever the largest score grows.
//
//   position    0      1      2    ...           values   quad 0  quad 1  ...  quad VALUE_ROOM-1
//   thread   [0 1 2 3][4 5 6 7][8 9 ..           0        [  0       1                ]  lane 0
//   quad of    0 1 2 3  0 1 2 3                  1        [ VALUE_ROOM  ..            ]  lane 1
//   the key    4 5 6 7  ...
//
// With FRESH the row's own key and value are not in the cache yet: each workgroup takes them as head.wgsl does, and the first
// head of those that share them puts them there. Nobody else in the batch reads them: every sequence has one row. Else the
// batch is PLACED: place.wgsl has done that before.
//
// Unrolled by gpu/unroll.ts.

const THREADS = 256;
const LANES = 4;
const STRIDE = LANES + 1;
const LEAST = -3.4e38;
var<workgroup> ownQuads: array<vec4f, QUAD_ROOM>;
var<workgroup> partial: array<f32, THREADS * STRIDE>;
var<workgroup> weights: array<f32, THREADS>;
var<workgroup> slots: array<u32, THREADS>;

// The largest of all threads' scores.
fn largestOf(thread: u32, score: f32) -> f32 {
  partial[thread] = score;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0; half /= 2) {
    if thread < half { partial[thread] = max(partial[thread], partial[thread + half]); }
    workgroupBarrier();
  }
  let largest = partial[0];
  workgroupBarrier();
  return largest;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let head = group.x;
  let kvHead = head / (HEADS / KV_HEADS);
  // repeat once PLACED
  let row = singleRow(group.y);
  let position = positionOf(row);
  let cached = position + 1;
  for (var quad = thread; quad < QUAD_ROOM; quad += THREADS) {
    ownQuads[quad] = select(vec4f(), queryQuad(row, head, min(quad, KEY_QUADS - 1)), quad < KEY_QUADS);
  }
  // end
  // repeat once FRESH
  let row = group.y;
  let position = positionOf(row);
  let cached = position;
  takeQuery(thread, row, head);
  for (var quad = thread; quad < QUAD_ROOM; quad += THREADS) { ownQuads[quad] = ownQuad(quad, HEAD_SIZE); }
  // end
  var first = 0u;
  if WINDOW > 0 && position + 1 > WINDOW { first = position + 1 - WINDOW; }
  first = max(first, group.z * counts.w);
  let end = min(cached, (group.z + 1) * counts.w);

  var largest = LEAST;
  var total = 0.0;
  var sums: array<vec4f, OWN_QUADS>;
  let unit = thread % VALUE_ROOM;
  let lane = thread / VALUE_ROOM;
  for (var start = first; start < end; start += THREADS) {
    slots[thread] = slotOf(row, min(start + thread, end - 1));
    workgroupBarrier();
    let count = min(THREADS, end - start);
    for (var j = thread / LANES; j < count; j += THREADS / LANES) {
      let slot = slots[j];
      // All that is read, before any of it is used.
      // repeat step KEY_STEPS
      let quad$step = keyQuad(slot, kvHead, min(LANES * $step + thread % LANES, KEY_QUADS - 1));
      // end
      var products = vec4f();
      // repeat step KEY_STEPS
      products += ownQuads[LANES * $step + thread % LANES] * quad$step;
      // end
      partial[j * STRIDE + thread % LANES] = dot(products, vec4f(1.0));
    }
    workgroupBarrier();
    var score = LEAST;
    if thread < count {
      score = 0.0;
      for (var i = 0u; i < LANES; i++) { score += partial[thread * STRIDE + i]; }
      score *= SCALE;
    }
    workgroupBarrier();
    let before = largest;
    largest = max(largest, largestOf(thread, score));
    weights[thread] = select(0.0, exp(score - largest), thread < count);
    workgroupBarrier();
    let kept = exp(before - largest);
    total *= kept;
    for (var o = 0u; o < OWN_QUADS; o++) { sums[o] *= kept; }
    // Past the last position weights are zero.
    for (var j = lane; j < count; j += 8 * VALUE_LANES) {
      // repeat ahead 8
      let j$ahead = min(j + $ahead * VALUE_LANES, THREADS - 1);
      let weight$ahead = select(weights[j$ahead], 0.0, j + $ahead * VALUE_LANES >= THREADS);
      total += weight$ahead;
      // end
      for (var o = 0u; o < OWN_QUADS; o++) {
        // repeat ahead 8
        let value$ahead = valueQuad(slots[j$ahead], kvHead, min(unit + o * THREADS, VALUE_QUADS - 1));
        // end
        // repeat ahead 8
        sums[o] += weight$ahead * value$ahead;
        // end
      }
    }
    workgroupBarrier();
  }

  // repeat once FRESH
  {
    let slot = slotOf(row, position);
    let puts = head % (HEADS / KV_HEADS) == 0;
    takeKey(thread, row, kvHead);
    if puts { putKey(thread, slot, kvHead); }
    var products = vec4f();
    for (var quad = thread; quad < KEY_QUADS; quad += THREADS) { products += ownQuads[quad] * keptKeyQuad(kvHead, quad); }
    squares[thread] = dot(products, vec4f(1.0));
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0; half /= 2) {
      if thread < half { squares[thread] += squares[thread + half]; }
      workgroupBarrier();
    }
    let score = squares[0] * SCALE;
    takeValue(thread, row, kvHead);
    if puts { putValue(thread, slot, kvHead); }
    let before = largest;
    largest = max(largest, score);
    let kept = exp(before - largest);
    let weight = select(0.0, exp(score - largest), lane == 0);
    total = total * kept + weight;
    for (var o = 0u; o < OWN_QUADS; o++) {
      sums[o] = sums[o] * kept + weight * keptValueQuad(kvHead, min(unit + o * THREADS, VALUE_QUADS - 1));
    }
  }
  // end

  // Lanes have taken different positions.
  if unit == 0 { weights[lane] = total; }
  workgroupBarrier();
  total = 0.0;
  for (var l = 0u; l < VALUE_LANES; l++) { total += weights[l]; }
  let whole = counts.z == 1;
  let part = ((group.y * HEADS + head) * counts.z + group.z) * (VALUE_HEAD_SIZE + 2);
  for (var o = 0u; o < OWN_QUADS; o++) {
    for (var e = 0u; e < 4; e++) { partial[e * THREADS + thread] = sums[o][e]; }
    workgroupBarrier();
    for (var i = thread; i < 4 * VALUE_ROOM; i += THREADS) {
      var sum = 0.0;
      for (var l = 0u; l < VALUE_LANES; l++) { sum += partial[i % 4 * THREADS + l * VALUE_ROOM + i / 4]; }
      let feature = 4 * o * THREADS + i;
      if feature < VALUE_HEAD_SIZE {
        // repeat once PLACED
        if !whole {
          parts[part + feature] = sum;
          continue;
        }
        // end
        output[(row * HEADS + head) * VALUE_HEAD_SIZE + feature] = sum / total;
      }
    }
    workgroupBarrier();
  }
  // repeat once PLACED
  if thread == 0 && !whole {
    parts[part + VALUE_HEAD_SIZE] = largest;
    parts[part + VALUE_HEAD_SIZE + 1] = total;
  }
  // end
}
