// Turns pairs of features of each head, in place.
//
//   value   [rows, HEADS * HEAD_SIZE]
//   turns   [rows, PAIRS]: cosine and sine, computed on the host: WGSL promises neither for large angles
//
// Pair j of a head: features OFFSET + STEP * j and that plus DISTANCE.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = group.x * 64 + thread;
  let row = group.y + group.z * 32768;
  if index >= HEADS * PAIRS || row >= counts.x { return; }
  let turn = turns[row * PAIRS + index % PAIRS];
  let first = row * HEADS * HEAD_SIZE + index / PAIRS * HEAD_SIZE + OFFSET + STEP * (index % PAIRS);
  let left = value[first];
  let right = value[first + DISTANCE];
  value[first] = left * turn.x - right * turn.y;
  value[first + DISTANCE] = left * turn.y + right * turn.x;
}
