// output[row, i] = numberAt(row, i): an expression of the operation

// sigmoid(value); the largest exponent keeps the exponential finite
fn sigmoid(value: f32) -> f32 {
  return 1.0 / (1.0 + exp(min(-value, 88.0)));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let i = group.x * 64 + thread;
  let row = group.y + group.z * 32768;
  if i >= WIDTH || row >= select(counts.x, counts.y, LOGITS == 1) * SLOTS { return; }
  let place = row * WIDTH + i;
  output[place] = numberAt(row, i, place);
}
