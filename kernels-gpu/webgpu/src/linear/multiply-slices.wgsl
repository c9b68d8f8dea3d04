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
//
// Unrolled by gpu/unroll.ts.

const BLOCK = 8;
const WORDS = BITS;   // of a slice
var<workgroup> partial: array<f32, BLOCK * THREADS>;

fn packBytes(v: vec4i) -> u32 {
  let bytes = vec4u(v) & vec4u(0xffu);
  return bytes.x | (bytes.y << 8) | (bytes.z << 16) | (bytes.w << 24);
}

fn greatest(v: vec4f) -> f32 {
  return max(max(v.x, v.y), max(v.z, v.w));
}

// A nibble in the mantissa of 1.0: 1 + nibble / 16, no conversion.
fn nibbles(bits: vec4u) -> vec4f {
  return bitcast<vec4f>((bits & vec4u(0x780000u)) | vec4u(0x3f800000u));
}

fn firstNibbles(q: u32) -> vec4f {
  return nibbles(vec4u(q << 19, q << 11, q << 3, q >> 5));
}

fn secondNibbles(q: u32) -> vec4f {
  return nibbles(vec4u(q << 15, q << 7, q >> 1, q >> 9));
}

fn signedBytes(word: u32) -> vec4f {
  return vec4f(bitcast<vec4i>(vec4u(word << 24, word << 16, word << 8, word)) >> vec4u(24u));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.y + group.z * 32768;
  if row >= rowCount() || !inPhase(row / SLOTS) { return; }
  let matrix = matrixOf(row);
  let slices = IN_FEATURES / 32;

  // repeat s OWN_SLICES
  // Threads without a slice hold zeros, so that they may take part in everything.
  let own$s = thread + $s * THREADS;
  let slice$s = min(own$s, slices - 1);
  let x$s = (row / SHARED * IN_FEATURES + 32 * slice$s) / 4;
  // repeat i 8
  let x$s_$i = select(vec4f(), x[x$s + $i], own$s < slices);
  // end
  var xScale$s = 1.0;
  var xSum$s = dot(x$s_0 + x$s_1 + x$s_2 + x$s_3 + x$s_4 + x$s_5 + x$s_6 + x$s_7, vec4f(1.0));
  // repeat i 8
  var high$s_$i = 0u;
  var low$s_$i = 0u;
  // end
  if PLANES == 1 {
    var largest = 0.0;
    // repeat i 8
    largest = max(largest, greatest(abs(x$s_$i)));
    // end
    xScale$s = largest / 32512.0;
    let inverse = select(0.0, 32512.0 / largest, largest > 1e-30);
    var integers = vec4i();
    var high = vec4i();
    var sum = vec4i();
    // repeat i 8
    integers = vec4i(round(x$s_$i * inverse));
    high = (integers + 128) >> vec4u(8u);
    high$s_$i = packBytes(high);
    low$s_$i = packBytes(integers - (high << vec4u(8u)));
    sum += integers;
    // end
    xSum$s = f32(sum.x + sum.y + sum.z + sum.w);
  }
  // end

  for (var block = 0u; block < BLOCKS; block++) {
    let firstOut = OUT_START + (group.x * BLOCKS + block) * BLOCK;
    // Rows before the part wrap around, and so lie past its end too.
    let firstP = matrix * OUT_FEATURES + firstOut - PART_FIRST;
    // repeat r 8
    let p$r = min(firstP + $r, PART_ROWS - 1);
    var sum$r = 0.0;
    // end
    // repeat s OWN_SLICES
    {
      let g = 32 * slice$s / GROUP_SIZE;
      // All that is read, before any of it is used.
      // repeat r 8
      let at$r = (p$r * ROW_WORDS + slice$s * WORDS) / 4;
      let a$r = codes[at$r];
      let b$r = codes[at$r + WORDS / 8];
      let scale$r = scaleAt(p$r, g);
      let zero$r = zeroAt(p$r, g);
      // end
      // repeat r 8
      {
        var product = 0.0;
        if PLANES == 1 {
          var high = 0;
          var low = 0;
          if BITS == 4 {
            // repeat i 4
            high += dotBytes(a$r[$i] & 0x0f0f0f0f, high$s_$(2i)) + dotBytes((a$r[$i] >> 4) & 0x0f0f0f0f, high$s_$(2i+1));
            low += dotBytes(a$r[$i] & 0x0f0f0f0f, low$s_$(2i)) + dotBytes((a$r[$i] >> 4) & 0x0f0f0f0f, low$s_$(2i+1));
            // end
          } else {
            // repeat i 4
            high += dotBytes(a$r[$i], high$s_$i) + dotBytes(b$r[$i], high$s_$(i+4));
            low += dotBytes(a$r[$i], low$s_$i) + dotBytes(b$r[$i], low$s_$(i+4));
            // end
          }
          product = (f32(256 * high + low) - zero$r * xSum$s) * xScale$s;
        } else {
          var four = vec4f();
          if BITS == 4 {
            // repeat i 4
            four += firstNibbles(a$r[$i]) * x$s_$(2i) + secondNibbles(a$r[$i]) * x$s_$(2i+1);
            // end
            product = 16.0 * (dot(four, vec4f(1.0)) - (1.0 + zero$r / 16.0) * xSum$s);
          } else {
            // repeat i 4
            four += signedBytes(a$r[$i]) * x$s_$i + signedBytes(b$r[$i]) * x$s_$(i+4);
            // end
            product = dot(four, vec4f(1.0)) - zero$r * xSum$s;
          }
        }
        sum$r += product * scale$r;
      }
      // end
    }
    // end
    // repeat r 8
    partial[$r * THREADS + thread] = sum$r;
    // end
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
      store(row, out, total + biasOf(matrix * OUT_FEATURES + out));
    }
    workgroupBarrier();
  }
}
