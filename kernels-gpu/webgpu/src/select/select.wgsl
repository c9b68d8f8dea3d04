// The best candidates of a row, and the sum of exp(logit) over its tokens as (largest, sum of exp(logit - largest)). One workgroup does a row,
// or a chunk of it: chunk.wgsl and merge.wgsl say where candidates come from and where the best go.
//
// A candidate is (order of its logit, inverted token id), compared in this sequence: no two are equal. Radix selection finds the
// byte by byte smallest one that is taken; it ends as soon as all that share the bytes so far are taken.
//
//   wanted    [1 + rows]    the largest count, then the count of each row: 1 to 256

struct Byte { value: u32, left: u32, sharing: u32 }

var<workgroup> histogram: array<atomic<u32>, 256>;
var<workgroup> upTo: array<u32, 256>;
var<workgroup> found: Byte;
var<workgroup> taken: atomic<u32>;
var<workgroup> best: array<vec2u, 256>;
var<workgroup> numbers: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.y;
  let count = wanted[1u + row];
  let candidates = candidatesOf(group, count);
  let take = min(count, candidates);

  var known = vec2u(0u);
  var mask = vec2u(0u);
  var left = take;
  for (var place = 0u; place < 8u; place++) {
    let side = place / 4u;
    let shift = 24u - 8u * (place % 4u);
    atomicStore(&histogram[thread], 0u);
    workgroupBarrier();
    for (var i = thread; i < candidates; i += 256u) {
      let candidate = candidateAt(group, count, i);
      if all((candidate & mask) == known) { atomicAdd(&histogram[(candidate[side] >> shift) & 255u], 1u); }
    }
    workgroupBarrier();
    let value = 255u - thread;
    let own = atomicLoad(&histogram[value]);
    addUpTo(thread, own);
    // How many candidates have this byte or a larger one.
    let reached = upTo[thread];
    if reached >= left && reached - own < left { found = Byte(value, left - (reached - own), own); }
    let byte = workgroupUniformLoad(&found);
    known[side] |= byte.value << shift;
    mask[side] |= 255u << shift;
    left = byte.left;
    if byte.left == byte.sharing { break; }
  }

  if thread == 0u { atomicStore(&taken, 0u); }
  workgroupBarrier();
  for (var i = thread; i < candidates; i += 256u) {
    let candidate = candidateAt(group, count, i);
    if !precedes(known, candidate & mask) { best[atomicAdd(&taken, 1u)] = candidate; }
  }
  workgroupBarrier();
  if thread < take {
    let own = best[thread];
    var place = 0u;
    for (var i = 0u; i < take; i++) { place += u32(precedes(best[i], own)); }
    putCandidate(group, place, own);
  } else if thread < count {
    putCandidate(group, thread, vec2u(0u));
  }

  var largest = LOWEST;
  let terms = termsOf(group);
  for (var i = thread; i < terms; i += 256u) { largest = max(largest, termAt(group, i).x); }
  numbers[thread] = largest;
  for (var distance = 128u; distance > 0u; distance /= 2u) {
    workgroupBarrier();
    if thread < distance { numbers[thread] = max(numbers[thread], numbers[thread + distance]); }
  }
  largest = workgroupUniformLoad(&numbers[0]);
  var sum = 0.0;
  for (var i = thread; i < terms; i += 256u) {
    let term = termAt(group, i);
    sum += term.y * exp(max(term.x - largest, -100.0));
  }
  workgroupBarrier();
  numbers[thread] = sum;
  for (var distance = 128u; distance > 0u; distance /= 2u) {
    workgroupBarrier();
    if thread < distance { numbers[thread] += numbers[thread + distance]; }
  }
  if thread == 0u { putSum(group, vec2f(largest, numbers[0])); }
}

const LOWEST = -3.4028234e38;

fn precedes(a: vec2u, b: vec2u) -> bool { return a.x > b.x || (a.x == b.x && a.y > b.y); }

// Leaves in `upTo` the sum of the numbers of this thread and those before it.
fn addUpTo(thread: u32, number: u32) {
  upTo[thread] = number;
  for (var distance = 1u; distance < 256u; distance *= 2u) {
    workgroupBarrier();
    var before = 0u;
    if thread >= distance { before = upTo[thread - distance]; }
    workgroupBarrier();
    upTo[thread] += before;
  }
}
