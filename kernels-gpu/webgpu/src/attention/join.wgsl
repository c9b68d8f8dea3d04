// output[row, head] = the stretches of attend.wgsl as one: each scaled to the largest score of all, then divided by all weights
//
//   parts     [rows that attend by themselves, HEADS, stretches, VALUE_HEAD_SIZE + 2]
//   output    [rows, HEADS * VALUE_HEAD_SIZE]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = group.x * 64 + thread;
  if index >= HEADS * VALUE_HEAD_SIZE { return; }
  let width = VALUE_HEAD_SIZE + 2;
  let first = (group.y * HEADS + index / VALUE_HEAD_SIZE) * counts.z * width;
  let i = index % VALUE_HEAD_SIZE;
  var largest = parts[first + VALUE_HEAD_SIZE];
  for (var z = 1u; z < counts.z; z++) { largest = max(largest, parts[first + z * width + VALUE_HEAD_SIZE]); }
  var sum = 0.0;
  var total = 0.0;
  for (var z = 0u; z < counts.z; z++) {
    let part = first + z * width;
    let share = exp(parts[part + VALUE_HEAD_SIZE] - largest);
    sum += share * parts[part + i];
    total += share * parts[part + VALUE_HEAD_SIZE + 1];
  }
  output[singleRow(group.y) * HEADS * VALUE_HEAD_SIZE + index] = sum / total;
}
