// Adds up BLOCK sums, 8 or with subgroups of 4 lanes 4, over the threads of a workgroup by subgroups of SUBGROUP lanes, without a barrier:
//
//   v0 .. v7 of every lane  ->  4 sums of two lanes each  ->  2 of four  ->  1 of eight: that of row lane & 7 (with 4, the sums of four lanes are the last)
//
// Threads of a subgroup are neighbours.

const SUBGROUPS = THREADS / SUBGROUP;
var<workgroup> partial: array<Sum, KEPT * SUBGROUPS>;

// Each of two lanes keeps one of two sums, and gives away the other.
fn meet(a: Sum, b: Sum, second: bool, mask: u32) -> Sum {
  return select(a, b, second) + subgroupShuffleXor(select(b, a, second), mask);
}

// One barrier has to follow before totalOf().
fn keep(slot: u32, thread: u32, lane: u32, v: array<Sum, BLOCK>) {
  let one = (lane & 1) != 0;
  let two = (lane & 2) != 0;
  var sum = meet(meet(v[0], v[1], one, 1), meet(v[2], v[3], one, 1), two, 2);
  let place = slot * BLOCK * SUBGROUPS + thread / SUBGROUP;
  if BLOCK == 8 {
    const H = BLOCK / 2;
    let high = meet(meet(v[H], v[H + 1], one, 1), meet(v[BLOCK - 2], v[BLOCK - 1], one, 1), two, 2);
    sum = meet(sum, high, (lane & 4) != 0, 4);
  }
  for (var mask = u32(BLOCK); mask < SUBGROUP; mask *= 2) { sum += subgroupShuffleXor(sum, mask); }
  if lane < BLOCK { partial[place + lane * SUBGROUPS] = sum; }
}

fn totalOf(i: u32) -> Sum {
  var total = Sum();
  for (var s = 0u; s < SUBGROUPS; s++) { total += partial[i * SUBGROUPS + s]; }
  return total;
}
