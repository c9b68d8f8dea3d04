// output = input / sqrt(mean(input^2) + EPSILON) * weight (+ bias), a workgroup of THREADS for each run of SIZE features
//
//   input, output   [rows, RUNS * SIZE]
//   weight          weights, then biases
//
// inputRow() says which row of the input becomes a row of the output. takeIn() reads a number of the input, and first increases it where a sum is to be normalized.

var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.y + group.z * 32768;
  if row >= select(counts.x, counts.y, LOGITS == 1) { return; }
  let start = (inputRow(row) * RUNS + group.x) * SIZE;
  let outputStart = (row * RUNS + group.x) * SIZE;
  var sum = 0.0;
  for (var i = thread; i < SIZE; i += THREADS) {
    let value = takeIn(start + i);
    sum += value * value;
  }
  partial[thread] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0; half /= 2) {
    if thread < half { partial[thread] += partial[thread + half]; }
    workgroupBarrier();
  }
  let factor = 1.0 / sqrt(partial[0] / f32(SIZE) + EPSILON);
  // Each thread meets the numbers that it wrote itself.
  for (var i = thread; i < SIZE; i += THREADS) {
    var value = input[start + i] * factor * weight[i];
    if BIASED == 1 { value += weight[SIZE + i]; }
    output[outputStart + i] = value;
  }
}
