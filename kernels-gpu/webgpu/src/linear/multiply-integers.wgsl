// y[row, out] = (sum over columns of x[row, column] * code[out, column] + accumulatorBias[out]) * outputScale[out]
//
// All of it integers up to the last multiplication; x are whole numbers as i32. Places as in multiply-rows.wgsl.

const THREADS = 64;
var<workgroup> partial: array<i32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.y + group.z * 32768;
  if row >= rowCount() || !inPhase(row / SLOTS) { return; }
  let out = OUT_START + group.x;
  let p = matrixOf(row) * OUT_FEATURES + out - PART_FIRST;
  if p >= PART_ROWS { return; }
  let source = row / SHARED * IN_FEATURES;
  var sum = 0;
  for (var w = thread; w * PER_WORD < IN_FEATURES; w += THREADS) {
    let word = codes[p * ROW_WORDS + w];
    for (var slot = 0u; slot < PER_WORD; slot++) {
      let column = w * PER_WORD + slot;
      if column < IN_FEATURES { sum += x[source + column] * i32(number(codeIn(word, slot)) - OFFSET); }
    }
  }
  partial[thread] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0; half /= 2) {
    if thread < half { partial[thread] += partial[thread + half]; }
    workgroupBarrier();
  }
  if thread == 0 {
    let place = matrixOf(row) * OUT_FEATURES + out;
    store(row, out, f32(partial[0] + accumulatorBias[place]) * outputScale[place]);
  }
}
