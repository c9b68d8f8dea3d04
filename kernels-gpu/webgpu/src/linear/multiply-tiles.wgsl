// y[row, out] = sum over columns of x[row, column] * weight[out, column] (+ bias[out])
//
// A workgroup makes a tile of SIDE rows by SIDE outputs, a thread every 16th of both, 4 by 4. STEP columns at a time stand
// in workgroup memory, weights as numbers; one column more than that keeps threads off each other's banks.

const SIDE = 64;
const STEP = 16;
const STRIDE = STEP + 1;
var<workgroup> xTile: array<f32, SIDE * STRIDE>;
var<workgroup> weightTile: array<f32, SIDE * STRIDE>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let rows = rowCount();
  let firstRow = group.y * SIDE;
  let firstP = group.x * SIDE;
  if firstRow >= rows { return; }
  let across = thread % 16;
  let down = thread / 16;
  var sums: array<vec4f, 4>;
  for (var start = 0u; start < IN_FEATURES; start += STEP) {
    for (var i = 0u; i < 4; i++) {
      let line = down + 16 * i;
      let column = start + across;
      let row = firstRow + line;
      let p = firstP + line;
      let place = line * STRIDE + across;
      xTile[place] = 0.0;
      weightTile[place] = 0.0;
      if column < IN_FEATURES {
        if row < rows { xTile[place] = x[row * IN_FEATURES + column]; }
        if p < PART_ROWS { weightTile[place] = weightAt(p, column); }
      }
    }
    workgroupBarrier();
    for (var k = 0u; k < STEP; k++) {
      let left = vec4f(
        xTile[down * STRIDE + k], xTile[(down + 16) * STRIDE + k],
        xTile[(down + 32) * STRIDE + k], xTile[(down + 48) * STRIDE + k],
      );
      for (var j = 0u; j < 4; j++) {
        sums[j] += left * weightTile[(across + 16 * j) * STRIDE + k];
      }
    }
    workgroupBarrier();
  }
  for (var j = 0u; j < 4; j++) {
    let p = firstP + across + 16 * j;
    if p >= PART_ROWS { continue; }
    let out = PART_FIRST + p;
    for (var i = 0u; i < 4; i++) {
      let row = firstRow + down + 16 * i;
      if row < rows && inPhase(row) { store(row, out, sums[j][i] + biasOf(out)); }
    }
  }
}
