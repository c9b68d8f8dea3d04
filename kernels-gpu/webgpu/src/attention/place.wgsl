// Queries, keys and values of the batch's rows as attention needs them: normalized, turned, in the cache; a workgroup for
// each head of a row: QUERY_SLOTS of them for queries, then keys, then values.
//
//   query, key, value   [rows, heads * size]; the query is replaced
//   keys, values        [blocks * BLOCK_SIZE, words]   the paged cache
//
// See head.wgsl and pages.wgsl.

const THREADS = 64;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.y;
  if row >= counts.x { return; }
  let slot = slotOf(row, positionOf(row));
  if group.x < QUERY_SLOTS {
    let head = group.x;
    takeQuery(thread, row, head);
    for (var i = thread; i < HEAD_SIZE; i += THREADS) { query[(row * HEADS + head) * HEAD_SIZE + i] = own[i]; }
  } else if group.x < QUERY_SLOTS + KV_HEADS {
    let head = group.x - QUERY_SLOTS;
    takeKey(thread, row, head);
    putKey(thread, slot, head);
  } else {
    let head = group.x - QUERY_SLOTS - KV_HEADS;
    takeValue(thread, row, head);
    putValue(thread, slot, head);
  }
}
