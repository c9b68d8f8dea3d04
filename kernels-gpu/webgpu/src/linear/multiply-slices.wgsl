// y[row, out] = sum over columns of x[row, column] * weight[out, column] (+ bias[out]), integer codes of 4 or 8 bits
//
//   thread t owns slices t, t + THREADS, ... of 32 columns, for all outputs that the workgroup makes
//
//             thread 0      thread 1          thread THREADS-1
//   x       [ 32 columns ][ 32 columns ] ... [ 32 columns ]    read once, into registers
//   row p   [  vec4u x V ][  vec4u x V ] ... [  vec4u x V ]    V = 1 for 4 bits, 2 for 8
//   row p+1 ...                                                blocks of BLOCK rows, then one sum over the threads
//
// Numbers of one group cover whole slices. x is f32, or with PLANES two planes of signed bytes,
// x = scale * (256 * high + low) with scale = max|x| / 32512 of the slice: integer products, exact up to that rounding
// (about 1e-5 of the result). Sums of a slice fit: 255 * 32512 * 32 < 2^31.

const BLOCK = 8;
const WORDS = BITS;   // of a slice
var<workgroup> partial: array<f32, BLOCK * THREADS>;

struct Slice {
  x: array<vec4f, 8>,
  high: array<u32, 8>,
  low: array<u32, 8>,
  scale: f32,
  sum: f32,           // of x, or of its integers
}

fn readSlice(first: u32) -> Slice {
  var slice: Slice;
  for (var i = 0u; i < 8; i++) {
    slice.x[i] = x[first / 4 + i];
    slice.sum += dot(slice.x[i], vec4f(1.0));
  }
  slice.scale = 1.0;
  if PLANES == 1 {
    var largest = 0.0;
    for (var i = 0u; i < 8; i++) {
      let four = abs(slice.x[i]);
      largest = max(largest, max(max(four.x, four.y), max(four.z, four.w)));
    }
    slice.scale = largest / 32512.0;
    let inverse = select(0.0, 32512.0 / largest, largest > 1e-30);
    var sum = 0;
    for (var i = 0u; i < 8; i++) {
      let integers = vec4i(round(slice.x[i] * inverse));
      let high = (integers + 128) >> vec4u(8u);
      let low = integers - (high << vec4u(8u));
      slice.high[i] = packBytes(high);
      slice.low[i] = packBytes(low);
      sum += integers.x + integers.y + integers.z + integers.w;
    }
    slice.sum = f32(sum);
  }
  return slice;
}

fn packBytes(v: vec4i) -> u32 {
  let bytes = vec4u(v) & vec4u(0xffu);
  return bytes.x | (bytes.y << 8) | (bytes.z << 16) | (bytes.w << 24);
}

// A nibble in the mantissa of 1.0: 1 + nibble / 16, no conversion.
fn nibbles(bits: vec4u) -> vec4f {
  return bitcast<vec4f>((bits & vec4u(0x780000u)) | vec4u(0x3f800000u));
}

fn dotSlice(slice: ptr<function, Slice>, at: u32, zero: f32) -> f32 {
  if PLANES == 1 {
    var high = 0;
    var low = 0;
    if BITS == 4 {
      let words = codes[at];
      for (var i = 0u; i < 4; i++) {
        let first = words[i] & 0x0f0f0f0f;
        let second = (words[i] >> 4) & 0x0f0f0f0f;
        high += dotBytes(first, (*slice).high[2 * i]) + dotBytes(second, (*slice).high[2 * i + 1]);
        low += dotBytes(first, (*slice).low[2 * i]) + dotBytes(second, (*slice).low[2 * i + 1]);
      }
    } else {
      for (var i = 0u; i < 8; i++) {
        let word = codes[at + i / 4][i % 4];
        high += dotBytes(word, (*slice).high[i]);
        low += dotBytes(word, (*slice).low[i]);
      }
    }
    return (f32(256 * high + low) - zero * (*slice).sum) * (*slice).scale;
  }
  var four = vec4f();
  if BITS == 4 {
    let words = codes[at];
    for (var i = 0u; i < 4; i++) {
      let q = words[i];
      let first = vec4u(q << 19, q << 11, q << 3, q >> 5);
      let second = vec4u(q << 15, q << 7, q >> 1, q >> 9);
      four += nibbles(first) * (*slice).x[2 * i] + nibbles(second) * (*slice).x[2 * i + 1];
    }
    return 16.0 * (dot(four, vec4f(1.0)) - (1.0 + zero / 16.0) * (*slice).sum);
  }
  for (var i = 0u; i < 8; i++) {
    let word = codes[at + i / 4][i % 4];
    let bytes = bitcast<vec4i>(vec4u(word << 24, word << 16, word << 8, word)) >> vec4u(24u);
    four += vec4f(bytes) * (*slice).x[i];
  }
  return dot(four, vec4f(1.0)) - zero * (*slice).sum;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.y + group.z * 32768;
  if row >= rowCount() || !inPhase(row / SLOTS) { return; }
  let matrix = matrixOf(row);
  let slices = IN_FEATURES / 32;
  var own: array<Slice, OWN_SLICES>;
  for (var s = 0u; s < OWN_SLICES; s++) {
    let slice = thread + s * THREADS;
    if slice < slices { own[s] = readSlice(row / SHARED * IN_FEATURES + 32 * slice); }
  }
  for (var block = 0u; block < BLOCKS; block++) {
    let firstOut = OUT_START + (group.x * BLOCKS + block) * BLOCK;
    // Rows before the part wrap around, and so lie past its end too.
    let firstP = matrix * OUT_FEATURES + firstOut - PART_FIRST;
    for (var r = 0u; r < BLOCK; r++) {
      let p = firstP + r;
      var sum = 0.0;
      if p < PART_ROWS {
        for (var s = 0u; s < OWN_SLICES; s++) {
          let slice = thread + s * THREADS;
          if slice < slices {
            let g = 32 * slice / GROUP_SIZE;
            sum += dotSlice(&own[s], (p * ROW_WORDS + slice * WORDS) / 4, zeroAt(p, g)) * scaleAt(p, g);
          }
        }
      }
      partial[r * THREADS + thread] = sum;
    }
    workgroupBarrier();
    // Each output has THREADS / BLOCK threads to add up.
    let lane = thread / BLOCK;
    let mine = thread % BLOCK;
    var sum = 0.0;
    for (var i = lane; i < THREADS; i += THREADS / BLOCK) { sum += partial[mine * THREADS + i]; }
    workgroupBarrier();
    partial[thread] = sum;
    workgroupBarrier();
    if thread < BLOCK && firstP + thread < PART_ROWS && firstOut + thread < OUT_FEATURES {
      var total = 0.0;
      for (var i = thread; i < THREADS; i += BLOCK) { total += partial[i]; }
      let out = firstOut + thread;
      y[row * OUT_FEATURES + out] = total + biasOf(matrix * OUT_FEATURES + out);
    }
    workgroupBarrier();
  }
}
