// y[row, out] = sum over columns of x[row, column] * weight[out, column] (+ bias[out])
//
// A workgroup makes OUTS outputs of one row: its threads take the words of a weight row in turn, each with the columns of
// x that belong to it, and add up in the end.
//
//   x         [rows / SHARED, IN_FEATURES]      SHARED rows in a row have one x (experts of a row)
//   experts   of each row, the matrix           where there is more than one
//   phases    of each batch row                 where only rows of PHASE are computed

const OUTS = 4;
const THREADS = 64;
var<workgroup> partial: array<vec4f, THREADS>;

fn dotWord(p: u32, w: u32, xs: ptr<function, array<f32, PER_WORD>>) -> f32 {
  let word = codes[p * ROW_WORDS + w];
  var sum = 0.0;
  if WHOLE_WORDS == 1 {
    let group = w * PER_WORD / GROUP_SIZE;
    let zero = zeroAt(p, group);
    var ofX = 0.0;
    for (var slot = 0u; slot < PER_WORD; slot++) {
      sum += (number(codeIn(word, slot)) - zero) * (*xs)[slot];
      if SHIFTED == 1 { ofX += (*xs)[slot]; }
    }
    return sum * scaleAt(p, group) + ofX * shiftAt(p, group);
  }
  for (var slot = 0u; slot < PER_WORD; slot++) {
    let column = w * PER_WORD + slot;
    if column < IN_FEATURES { sum += weightIn(word, slot, p, column) * (*xs)[slot]; }
  }
  return sum;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.y + group.z * 32768;
  if row >= rowCount() || !inPhase(row / SLOTS) { return; }
  let firstOut = OUT_START + group.x * OUTS;
  // Rows before the part wrap around, and so lie past its end too.
  let firstP = matrixOf(row) * OUT_FEATURES + firstOut - PART_FIRST;
  let source = row / SHARED * IN_FEATURES;
  var sums = vec4f();
  for (var w = thread; w * PER_WORD < IN_FEATURES; w += THREADS) {
    var xs: array<f32, PER_WORD>;
    for (var slot = 0u; slot < PER_WORD; slot++) {
      let column = w * PER_WORD + slot;
      if column < IN_FEATURES { xs[slot] = x[source + column]; }
    }
    for (var o = 0u; o < OUTS; o++) {
      let p = firstP + o;
      if p < PART_ROWS { sums[o] += dotWord(p, w, &xs); }
    }
  }
  partial[thread] = sums;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0; half /= 2) {
    if thread < half { partial[thread] += partial[thread + half]; }
    workgroupBarrier();
  }
  let out = firstOut + thread;
  if thread < OUTS && firstP + thread < PART_ROWS && out < OUT_FEATURES {
    store(row, out, partial[0][thread] + biasOf(matrixOf(row) * OUT_FEATURES + out));
  }
}
