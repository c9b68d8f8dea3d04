// Features START + head * STRIDE ... of the input become features OFFSET ... of each head of the output, SIZE of them

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = group.x * 64 + thread;
  let row = group.y + group.z * 32768;
  if index >= HEADS * SIZE || row >= counts.x { return; }
  let head = index / SIZE;
  let i = index % SIZE;
  output[row * OUTPUT_WIDTH + head * (OUTPUT_WIDTH / HEADS) + OFFSET + i] =
    input[row * INPUT_WIDTH + START + head * STRIDE + i];
}
