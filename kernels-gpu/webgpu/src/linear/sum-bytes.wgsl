// sums[row, chunk] = scale of x, and the sum of its codes, of CHUNK columns
//
//   bytes    [rows, SLICES * 8] words of four signed bytes
//   scales   [rows, NUM_GROUPS], of GROUP_FEATURES columns each

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let chunk = group.x * 64 + thread;
  let row = group.y + group.z * 32768;
  if chunk >= CHUNKS || row >= rowCount() { return; }
  let end = min((chunk + 1) * CHUNK / 4, SLICES * 8);
  var sum = 0;
  for (var w = chunk * CHUNK / 4; w < end; w++) { sum += dotBytes(bytes[row * SLICES * 8 + w], 0x01010101u); }
  let scale = scales[row * NUM_GROUPS + chunk * CHUNK / GROUP_FEATURES];
  sums[row * CHUNKS + chunk] = vec2f(scale, f32(sum));
}
