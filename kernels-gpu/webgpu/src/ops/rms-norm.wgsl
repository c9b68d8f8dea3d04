// output = input / sqrt(mean(input^2) + EPSILON) * weight (+ bias), a workgroup of THREADS for each run of SIZE features
//
//   input, output   [rows, RUNS * SIZE]
//   addend          as the input, which it is added to before, in place; where there is one
//   weight          weights, then biases
//
// inputRow() says which row of the input becomes a row of the output. Each thread has OWN features, all read before any is
// used. Unrolled by gpu/unroll.ts.

var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.y + group.z * 32768;
  if row >= select(counts.x, counts.y, LOGITS == 1) { return; }
  let start = (inputRow(row) * RUNS + group.x) * SIZE;
  let outputStart = (row * RUNS + group.x) * SIZE;
  // repeat o OWN
  let i$o = min(thread + $o * THREADS, SIZE - 1);
  let there$o = thread + $o * THREADS < SIZE;
  var value$o = input[start + i$o];
  let weight$o = weight[i$o];
  // repeat once ADDS
  value$o += addend[start + i$o];
  // end
  // end
  var sum = 0.0;
  // repeat o OWN
  sum += select(0.0, value$o * value$o, there$o);
  // end
  partial[thread] = sum;
  workgroupBarrier();
  for (var half = THREADS / 2u; half > 0; half /= 2) {
    if thread < half { partial[thread] += partial[thread + half]; }
    workgroupBarrier();
  }
  let factor = 1.0 / sqrt(partial[0] / f32(SIZE) + EPSILON);
  // repeat o OWN
  if there$o {
    // repeat once ADDS
    input[start + i$o] = value$o;
    // end
    var normed$o = value$o * factor * weight$o;
    if BIASED == 1 { normed$o += weight[SIZE + i$o]; }
    output[outputStart + i$o] = normed$o;
  }
  // end
}
