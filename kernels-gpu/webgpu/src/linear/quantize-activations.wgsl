// One scale and zero point for a group of features of one row; a workgroup does one group.
//
//   x          [rows / SHARED, FEATURES]
//   constants  static: scales, then zero points, [matrices, GROUPS] each; dynamic: the global scale of each matrix
//   quantized  with OUTPUT VALUES [rows, FEATURES], what the codes stand for, f32; with CODES the same, the codes, i32;
//              with BYTES the codes as bytes, rows of whole slices of 32, and scales [rows, GROUPS]
//
// Divisions that decide a code are divide() of floats.wgsl: WGSL's own is off by up to 2.5 units in the last place.

const VALUES = 0;
const CODES = 1;
const BYTES = 2;
var<workgroup> lows: array<f32, THREADS>;
var<workgroup> highs: array<f32, THREADS>;

struct ScaleAndZero { scale: f32, zero: f32 }

fn dynamicScale(low: f32, high: f32, global: f32) -> ScaleAndZero {
  if SYMMETRIC == 1 {
    return ScaleAndZero(roundScale(divide(max(-low, high), DIVISOR), global), 0.0);
  }
  let scale = roundScale(divide(high - low, DIVISOR), global);
  if scale == 0.0 { return ScaleAndZero(0.0, clamp(0.0, LEAST, GREATEST)); }
  return ScaleAndZero(scale, clamp(round(LEAST - divide(low, scale)), LEAST, GREATEST));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = workgroup.y + workgroup.z * 32768;
  if row >= rowCount() { return; }
  let group = workgroup.x;
  let first = group * GROUP_FEATURES;
  let end = min(first + GROUP_FEATURES, FEATURES);
  let source = row / SHARED * FEATURES;
  let matrix = matrixOf(row);
  var chosen: ScaleAndZero;
  if STATIC == 1 {
    let place = matrix * NUM_GROUPS + group;
    chosen = ScaleAndZero(constants[place], 0.0);
    if ASYMMETRIC == 1 { chosen.zero = constants[MATRICES * NUM_GROUPS + place]; }
  } else {
    // The range includes zero, so that zero has a code.
    var low = 0.0;
    var high = 0.0;
    for (var i = first + thread; i < end; i += THREADS) {
      low = min(low, x[source + i]);
      high = max(high, x[source + i]);
    }
    lows[thread] = low;
    highs[thread] = high;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0; half /= 2) {
      if thread < half {
        lows[thread] = min(lows[thread], lows[thread + half]);
        highs[thread] = max(highs[thread], highs[thread + half]);
      }
      workgroupBarrier();
    }
    chosen = dynamicScale(lows[0], highs[0], constants[matrix]);
  }
  var inverse = 0.0;
  if chosen.scale != 0.0 {
    if RECIPROCAL == 1 { inverse = divide(1.0, chosen.scale); } else { inverse = 1.0 / chosen.scale; }
  }
  if OUTPUT == BYTES {
    for (var i = first + 4 * thread; i < end; i += 4 * THREADS) {
      var word = 0u;
      for (var j = 0u; j < min(4, end - i); j++) {
        word |= (bitcast<u32>(i32(codeOf(x[source + i + j], chosen, inverse))) & 0xffu) << (8 * j);
      }
      quantized[row * ROW_WORDS + i / 4] = word;
    }
    if thread == 0 { storeScale(row * NUM_GROUPS + group, chosen.scale); }
    return;
  }
  for (var i = first + thread; i < end; i += THREADS) {
    let code = codeOf(x[source + i], chosen, inverse);
    let place = row * FEATURES + i;
    if OUTPUT == CODES {
      quantized[place] = bitcast<u32>(i32(code));
    } else {
      quantized[place] = bitcast<u32>((code - chosen.zero) * chosen.scale);
    }
  }
}

fn codeOf(value: f32, chosen: ScaleAndZero, inverse: f32) -> f32 {
  if chosen.scale == 0.0 { return roundCode(0.0, chosen.zero); }
  if RECIPROCAL == 1 { return roundCode(value * inverse, chosen.zero); }
  // Only a quotient near halfway between two integers needs to be exact.
  let near = value * inverse;
  if INTEGERS == 1 && abs(abs(near) - floor(abs(near)) - 0.5) > 0.001 { return roundCode(near, chosen.zero); }
  return roundCode(divide(value, chosen.scale), chosen.zero);
}
