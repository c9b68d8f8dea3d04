// Turns pairs of features of each head of VALUES values, in place.
//
//   value$v   [rows, HEADS$v * HEAD_SIZE]
//   turns     [rows, PAIRS]: cosine and sine, computed on the host: WGSL promises neither for large angles
//
// Pair j of a head: features OFFSET + STEP * j and that plus DISTANCE. Unrolled by gpu/unroll.ts.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = group.x * 64 + thread;
  let row = group.y;
  if row >= counts.x { return; }
  let turn = turns[row * PAIRS + index % PAIRS];
  // repeat v VALUES
  if group.z == $v && index < HEADS$v * PAIRS {
    let first = row * HEADS$v * HEAD_SIZE + index / PAIRS * HEAD_SIZE + OFFSET + STEP * (index % PAIRS);
    let left = value$v[first];
    let right = value$v[first + DISTANCE];
    value$v[first] = left * turn.x - right * turn.y;
    value$v[first + DISTANCE] = left * turn.y + right * turn.x;
  }
  // end
}
