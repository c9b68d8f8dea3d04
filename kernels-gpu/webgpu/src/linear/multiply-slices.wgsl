// y[row, out] = sum over columns of x[row, column] * weight[out, column], for few rows
//
//   thread t owns slices t, t + THREADS, ... of 32 columns, for all outputs that the workgroup makes and ROWS rows of x
//
//             thread 0      thread 1          thread THREADS-1
//   x       [ 32 columns ][ 32 columns ] ... [ 32 columns ]    read once, into registers
//   row p   [ BITS words ][ BITS words ] ... [ BITS words ]    what weights/slice-codes.ts takes apart
//   row p+1 ...                                                BLOCKS blocks of BLOCK rows; the next is read before one is used
//
// Halves of a slice have one scale, zero point and shift each, with PER_NUMBER 8 whole slices. MODE says what x is:
//
//   FLOATS   f32, multiplied as such
//   PLANES   f32, made two planes of signed bytes, x = scale * (256 * high + low) with scale = max|x| / 32512 of the slice:
//            integer products, exact up to that rounding. Sums of a slice fit: 255 * 32512 * 32 < 2^31
//   BYTES    signed bytes, quantized before, with a scale that xScaleAt() knows
//
// Sums are of type Sum: i32 where integers are added up to the end. Rows are added up by keep() and totalOf(). Unrolled by
// gpu/unroll.ts.

const FLOATS = 0;
const PLANES = 1;
const BYTES = 2;

struct Loaded { codes: Slice, scale: f32, zero: f32 }

fn load(row: u32, slice: u32) -> Loaded {
  // Rows before the part wrap around, and so lie past its end too.
  let p = min(row, PART_ROWS - 1);
  let g = 32 * slice / GROUP_SIZE;
  return Loaded(loadSlice(p * ROW_WORDS + slice * BITS), scaleAt(p, g), zeroAt(p, g));
}

// The nearest integers, of at most 22 bits, in the low bits: in a sum with 1.5 * 2^23 the last bit counts ones.
fn roundedBits(v: vec4f) -> vec4u {
  return bitcast<vec4u>(v + vec4f(12582912.0));
}

fn packBytes(v: vec4u) -> u32 {
  let bytes = v & vec4u(0xffu);
  return bytes.x | (bytes.y << 8) | (bytes.z << 16) | (bytes.w << 24);
}

fn greatest(v: vec4f) -> f32 {
  return max(max(v.x, v.y), max(v.z, v.w));
}

fn sumOf(v: vec4f) -> f32 {
  return dot(v, vec4f(1.0));
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) thread: u32,
  @builtin(LANE) lane: u32,
) {
  let firstRow = (group.y + group.z * 32768) * ROWS;
  if firstRow >= rowCount() || (ROWS == 1 && !inPhase(firstRow / SLOTS)) { return; }
  fillTable(thread);
  let matrix = matrixOf(firstRow);
  let firstOut = OUT_START + group.x * BLOCKS * BLOCK;
  let first = matrix * OUT_FEATURES + firstOut - PART_FIRST;

  // repeat s OWN_SLICES
  // Threads without a slice hold zeros, so that they may take part in everything.
  let there$s = thread + $s * THREADS < SLICES;
  let slice$s = min(thread + $s * THREADS, SLICES - 1);
  // repeat r BLOCK
  var now$r_$s = load(first + $r, slice$s);
  // end
  // repeat m ROWS
  let source$m_$s = (firstRow + $m) / SHARED;
  var xScale$m_$s = 1.0;
  var xSum$m_$s = 0.0;
  var xRest$m_$s = 0.0;
  // repeat i 8
  var x$m_$s_$i = vec4f();
  var high$m_$s_$i = 0u;
  var low$m_$s_$i = 0u;
  // end
  if MODE == BYTES {
    let v0 = select(vec4u(), xBytes(source$m_$s, 2 * slice$s), there$s);
    let v1 = select(vec4u(), xBytes(source$m_$s, 2 * slice$s + 1), there$s);
    // repeat i 4
    high$m_$s_$i = v0[$i];
    high$m_$s_$(i+4) = v1[$i];
    // end
    var sum = 0;
    var rest = 0;
    // repeat i 8
    if $i < PER_NUMBER { sum += dotBytes(high$m_$s_$i, 0x01010101u); } else { rest += dotBytes(high$m_$s_$i, 0x01010101u); }
    // end
    xSum$m_$s = f32(sum);
    xRest$m_$s = f32(rest);
    xScale$m_$s = xScaleAt(source$m_$s, 32 * slice$s);
  } else {
    // repeat i 8
    x$m_$s_$i = select(vec4f(), xFour(source$m_$s, 32 * slice$s + 4 * $i), there$s);
    // end
  }
  if MODE == FLOATS {
    // repeat i 8
    if $i < PER_NUMBER { xSum$m_$s += sumOf(x$m_$s_$i); } else { xRest$m_$s += sumOf(x$m_$s_$i); }
    // end
  }
  if MODE == PLANES {
    var largest = 0.0;
    // repeat i 8
    largest = max(largest, greatest(abs(x$m_$s_$i)));
    // end
    xScale$m_$s = largest / 32512.0;
    let inverse = select(0.0, 32512.0 / largest, largest > 1e-30);
    // repeat i 8
    {
      let bits = roundedBits(x$m_$s_$i * inverse);
      high$m_$s_$i = packBytes((bits + 128) >> vec4u(8u));
      low$m_$s_$i = packBytes(bits);
      let sum = f32(256 * dotBytes(high$m_$s_$i, 0x01010101u) + dotBytes(low$m_$s_$i, 0x01010101u));
      if $i < PER_NUMBER { xSum$m_$s += sum; } else { xRest$m_$s += sum; }
    }
    // end
  }
  // end
  // end

  for (var block = 0u; block < BLOCKS; block++) {
    let firstP = first + block * BLOCK;
    // repeat s OWN_SLICES
    // repeat r BLOCK
    var next$r_$s = now$r_$s;
    // end
    if AHEAD == 1 && block + 1 < BLOCKS {
      // repeat r BLOCK
      next$r_$s = load(firstP + BLOCK + $r, slice$s);
      // end
    }
    if AHEAD == 0 && block > 0 {
      // repeat r BLOCK
      now$r_$s = load(firstP + $r, slice$s);
      // end
    }
    // end
    // repeat r BLOCK
    // repeat m ROWS
    var sum$r_$m = Sum();
    // end
    // repeat s OWN_SLICES
    {
      let codes = now$r_$s.codes;
      let scale = now$r_$s.scale;
      let zero = now$r_$s.zero;
      // repeat m ROWS
      var product$m = 0.0;
      var rest$m = 0.0;
      // end
      if MODE == FLOATS {
        // repeat m ROWS
        var four$m = vec4f();
        var fourOfRest$m = vec4f();
        // end
        // repeat i 8
        {
          let quarter = quarter$i(codes);
          // repeat m ROWS
          if $i < PER_NUMBER { four$m += quarter * x$m_$s_$i; } else { fourOfRest$m += quarter * x$m_$s_$i; }
          // end
        }
        // end
        // repeat m ROWS
        product$m = UNIT * (sumOf(four$m) - BASE * xSum$m_$s);
        rest$m = UNIT * (sumOf(fourOfRest$m) - BASE * xRest$m_$s);
        // end
      } else {
        // repeat m ROWS
        var high$m = 0;
        var low$m = 0;
        var highOfRest$m = 0;
        var lowOfRest$m = 0;
        // end
        // repeat i 8
        {
          let bytes = bytes$i(codes);
          // repeat m ROWS
          if $i < PER_NUMBER {
            high$m += dotBytes(bytes, high$m_$s_$i);
            if MODE == PLANES { low$m += dotBytes(bytes, low$m_$s_$i); }
          } else {
            highOfRest$m += dotBytes(bytes, high$m_$s_$i);
            if MODE == PLANES { lowOfRest$m += dotBytes(bytes, low$m_$s_$i); }
          }
          // end
        }
        // end
        // repeat m ROWS
        if INTEGER_SUMS == 1 {
          sum$r_$m += Sum(high$m - i32(OFFSET) * i32(xSum$m_$s));
        } else if MODE == PLANES {
          product$m = f32(256 * high$m + low$m);
          rest$m = f32(256 * highOfRest$m + lowOfRest$m);
        } else {
          product$m = f32(high$m);
          rest$m = f32(highOfRest$m);
        }
        // end
      }
      if INTEGER_SUMS == 0 {
        // repeat m ROWS
        {
          var value = (product$m - zero * xSum$m_$s) * scale;
          if SHIFTED == 1 || PER_NUMBER < 8 {
            let p = min(firstP + $r, PART_ROWS - 1);
            let g = 32 * slice$s / GROUP_SIZE;
            value += shiftAt(p, g) * xSum$m_$s;
            if PER_NUMBER < 8 {
              let h = (32 * slice$s + 16) / GROUP_SIZE;
              value += (rest$m - zeroAt(p, h) * xRest$m_$s) * scaleAt(p, h) + shiftAt(p, h) * xRest$m_$s;
            }
          }
          sum$r_$m += Sum(value * xScale$m_$s);
        }
        // end
      }
    }
    // end
    // end
    // repeat m ROWS
    keep(block * ROWS + $m, thread, lane, array<Sum, BLOCK>(
      // repeat r BLOCK
      sum$r_$m,
      // end
    ));
    // end
    // repeat s OWN_SLICES
    // repeat r BLOCK
    now$r_$s = next$r_$s;
    // end
    // end
  }
  workgroupBarrier();
  for (var i = thread; i < BLOCKS * ROWS * BLOCK; i += THREADS) {
    let row = firstRow + i / BLOCK % ROWS;
    let r = i / BLOCK / ROWS * BLOCK + i % BLOCK;
    let out = firstOut + r;
    if row < rowCount() && inPhase(row / SLOTS) && first + r < PART_ROWS && out < OUT_FEATURES {
      store(row, out, finished(totalOf(i), matrix * OUT_FEATURES + out));
    }
  }
}
