// Causal attention of a tile of up to SIDE rows of one sequence, and one head; a workgroup each.
//
//   query         [rows, HEADS * HEAD_SIZE]
//   keys, values  [blocks * BLOCK_SIZE, words]   the paged cache, read four features at a time: a quad
//   output        [rows, HEADS * VALUE_HEAD_SIZE]
//
// Positions go by SIDE at a time, each read once for all rows:
//
//   scores [SIDE rows, SIDE positions] = query * keys    STEP quads of the features at a time in workgroup memory
//   weights = exp(scores - largest of the row)           largest and sum are carried on, sums scaled down as it grows
//   sums [SIDE rows, features] += weights * values       16 quads of the features at a time in workgroup memory
//
// Thread (down, across) of 16 by 16 has rows down and down + 16: of the scores, positions across and across + 16; of the
// sums, quad `across` of every 16. Lines in workgroup memory are a quad longer than needed: no two share a bank.
//
// Unrolled by gpu/unroll.ts: SLABS times 16 quads of a value.

const SIDE = 32;
const STEP = 8;
const LINE = STEP + 1;
const LEAST = -3.4e38;
var<workgroup> operands: array<vec4f, 2 * SIDE * LINE>;
var<workgroup> weights: array<vec4f, SIDE * LINE>;
var<workgroup> slots: array<u32, SIDE>;
var<workgroup> largest: array<f32, SIDE>;
var<workgroup> totals: array<f32, SIDE>;
var<workgroup> kept: array<f32, SIDE>;
var<workgroup> partial: array<f32, 256>;

fn scoreAt(score: f32, row: u32, position: u32, end: u32) -> f32 {
  let own = positionOf(row);
  let outside = position >= end || position > own || (WINDOW > 0 && position + WINDOW <= own);
  return select(score * SCALE, LEAST, outside);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let tile = tileAt(group.y);
  let firstRow = tile & 0xffff;
  let rows = tile >> 16;
  let head = group.x;
  let kvHead = head / (HEADS / KV_HEADS);
  let across = thread % 16;
  let down = thread / 16;
  // Eighths of a line: for loading, and for what is done to a row.
  let line = thread / 8;
  let eighth = thread % 8;
  let rowA = firstRow + min(down, rows - 1);
  let rowB = firstRow + min(down + 16, rows - 1);
  var first = 0u;
  let firstPosition = positionOf(firstRow);
  if WINDOW > 0 && firstPosition + 1 > WINDOW { first = firstPosition + 1 - WINDOW; }
  let end = positionOf(firstRow + rows - 1) + 1;

  if thread < SIDE {
    largest[thread] = LEAST;
    totals[thread] = 0.0;
  }
  // repeat slab SLABS
  var sumA$slab = vec4f();
  var sumB$slab = vec4f();
  // end
  for (var start = first; start < end; start += SIDE) {
    workgroupBarrier();
    if thread < SIDE { slots[thread] = slotOf(firstRow, min(start + thread, end - 1)); }
    var scores = vec4f();
    for (var step = 0u; step < KEY_QUADS; step += STEP) {
      workgroupBarrier();
      let quad = step + eighth;
      var ofQuery = vec4f();
      var ofKey = vec4f();
      if quad < KEY_QUADS {
        ofQuery = queryQuad(firstRow + min(line, rows - 1), head, quad);
        ofKey = keyQuad(slots[line], kvHead, quad);
      }
      operands[line * LINE + eighth] = ofQuery;
      operands[(SIDE + line) * LINE + eighth] = ofKey;
      workgroupBarrier();
      for (var i = 0u; i < STEP; i++) {
        let queryA = operands[down * LINE + i];
        let queryB = operands[(down + 16) * LINE + i];
        let keyA = operands[(SIDE + across) * LINE + i];
        let keyB = operands[(SIDE + across + 16) * LINE + i];
        scores += vec4f(dot(queryA, keyA), dot(queryA, keyB), dot(queryB, keyA), dot(queryB, keyB));
      }
    }
    // Scores change hands: a thread made four of two rows and gets four of one.
    workgroupBarrier();
    operands[thread] = scores;
    workgroupBarrier();
    let row = firstRow + min(line, rows - 1);
    var four = vec4f();
    for (var e = 0u; e < 4; e++) {
      let position = 4 * eighth + e;
      let score = operands[line % 16 * 16 + position % 16][line / 16 * 2 + position / 16];
      four[e] = scoreAt(score, row, start + position, end);
    }
    partial[thread] = max(max(four.x, four.y), max(four.z, four.w));
    workgroupBarrier();
    let before = largest[line];
    var most = before;
    for (var i = 0u; i < 8; i++) { most = max(most, partial[8 * line + i]); }
    // A row may have nothing to see here: its window has not begun, or its own position lies before.
    let shares = select(exp(four - vec4f(most)), vec4f(), four <= vec4f(LEAST));
    weights[line * LINE + eighth] = shares;
    workgroupBarrier();
    partial[thread] = dot(shares, vec4f(1.0));
    workgroupBarrier();
    if eighth == 0 {
      var sum = 0.0;
      for (var i = 0u; i < 8; i++) { sum += partial[8 * line + i]; }
      kept[line] = exp(before - most);
      totals[line] = totals[line] * kept[line] + sum;
      largest[line] = most;
    }
    workgroupBarrier();

    let keptA = kept[down];
    let keptB = kept[down + 16];
    // repeat slab SLABS
    sumA$slab *= keptA;
    sumB$slab *= keptB;
    for (var i = eighth; i < 16; i += 8) {
      operands[line * 16 + i] = valueQuad(slots[line], kvHead, min(16 * $slab + i, VALUE_QUADS - 1));
    }
    workgroupBarrier();
    for (var j = 0u; j < SIDE / 4; j++) {
      let sharesA = weights[down * LINE + j];
      let sharesB = weights[(down + 16) * LINE + j];
      // repeat e 4
      let value$e = operands[(4 * j + $e) * 16 + across];
      sumA$slab += sharesA[$e] * value$e;
      sumB$slab += sharesB[$e] * value$e;
      // end
    }
    workgroupBarrier();
    // end
  }

  // repeat slab SLABS
  {
    let quad = 16 * $slab + across;
    for (var e = 0u; e < 4; e++) {
      let feature = 4 * quad + e;
      if feature >= VALUE_HEAD_SIZE { break; }
      if down < rows { output[(rowA * HEADS + head) * VALUE_HEAD_SIZE + feature] = sumA$slab[e] / totals[down]; }
      if down + 16 < rows { output[(rowB * HEADS + head) * VALUE_HEAD_SIZE + feature] = sumB$slab[e] / totals[down + 16]; }
    }
  }
  // end
}
