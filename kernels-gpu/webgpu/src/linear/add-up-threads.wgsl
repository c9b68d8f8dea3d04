// Adds up BLOCK sums over the threads of a workgroup in its memory: for devices without subgroups.

var<workgroup> scratch: array<Sum, BLOCK * THREADS>;
var<workgroup> totals: array<Sum, KEPT>;

fn keep(slot: u32, thread: u32, lane: u32, v: array<Sum, BLOCK>) {
  // repeat r BLOCK
  scratch[$r * THREADS + thread] = v[$r];
  // end
  workgroupBarrier();
  // Each sum has its share of the threads.
  let mine = thread % BLOCK;
  var sum = Sum();
  for (var i = thread / BLOCK; i < THREADS; i += THREADS / BLOCK) { sum += scratch[mine * THREADS + i]; }
  workgroupBarrier();
  scratch[thread] = sum;
  workgroupBarrier();
  if thread < BLOCK {
    var total = Sum();
    for (var i = thread; i < THREADS; i += u32(BLOCK)) { total += scratch[i]; }
    totals[slot * BLOCK + thread] = total;
  }
  workgroupBarrier();
}

fn totalOf(i: u32) -> Sum {
  return totals[i];
}
