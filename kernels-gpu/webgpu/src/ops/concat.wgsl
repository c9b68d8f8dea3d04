// Features START$p + head * STRIDE$p ... of the input of part p become features OFFSET$p ... of each head of the output, SIZE$p
// of them. Unrolled by gpu/unroll.ts.

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = group.x * 64 + thread;
  let row = group.y + group.z / PARTS * 32768;
  if row >= counts.x { return; }
  // repeat p PARTS
  if group.z % PARTS == $p && index < HEADS * SIZE$p {
    let head = index / SIZE$p;
    let i = index % SIZE$p;
    output[row * OUTPUT_WIDTH + head * (OUTPUT_WIDTH / HEADS) + OFFSET$p + i] =
      input$p[row * INPUT_WIDTH$p + START$p + head * STRIDE$p + i];
  }
  // end
}
