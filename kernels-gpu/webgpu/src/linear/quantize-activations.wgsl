// One scale and zero point for a group of features of one row; a workgroup does one group.
//
//   x          [rows / SHARED, FEATURES]
//   constants  static: scales, then zero points, [matrices, GROUPS] each; dynamic: the global scale of each matrix
//   quantized  [rows, FEATURES], as bits: what the codes stand for, f32, or with CODES the codes, i32
//
// Divisions that decide a code are divide() of floats.wgsl: WGSL's own is off by up to 2.5 units in the last place.

const THREADS = 64;
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
  if RECIPROCAL == 1 && chosen.scale != 0.0 { inverse = divide(1.0, chosen.scale); }
  for (var i = first + thread; i < end; i += THREADS) {
    var quotient = 0.0;
    if chosen.scale != 0.0 {
      if RECIPROCAL == 1 { quotient = x[source + i] * inverse; } else { quotient = divide(x[source + i], chosen.scale); }
    }
    let code = roundCode(quotient, chosen.zero);
    let place = row * FEATURES + i;
    if CODES == 1 {
      quantized[place] = bitcast<u32>(i32(code));
    } else {
      quantized[place] = bitcast<u32>((code - chosen.zero) * chosen.scale);
    }
  }
}
