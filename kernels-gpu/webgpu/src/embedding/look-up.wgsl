// output[row, i] = number i of the table's row tokenIds[row]; rows of other parts are left alone

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let i = group.x * 64 + thread;
  let row = group.y + group.z * 32768;
  if i >= IN_FEATURES || row >= counts.x { return; }
  let p = tokenIds[row] - PART_FIRST;
  if p < PART_ROWS { output[row * IN_FEATURES + i] = weightAt(p, i); }
}
