// Floats of few bits, in integer arithmetic: no driver rounds, flushes or contracts any of this.
//
//   code   sign | exponentBits | mantissaBits        from the top, as in FloatFormat of @lowbit/numerics
//
// SPECIALS: what is not a number
const FINITE = 0u;    // every code is finite
const IEEE = 1u;      // the highest exponent is infinity or NaN
const ALL_ONES = 2u;  // that one code is NaN
const FNUZ = 3u;      // the code of -0 is NaN

fn powerOfTwo(exponent: i32) -> f32 {
  return bitcast<f32>(u32(exponent + 127) << 23u);
}

fn decodeFloat(code: u32, exponentBits: u32, mantissaBits: u32, bias: i32, specials: u32) -> f32 {
  let signBit = 1u << (exponentBits + mantissaBits);
  let magnitude = code & (signBit - 1u);
  let sign = select(0u, 0x80000000u, (code & signBit) != 0u);
  let exponent = magnitude >> mantissaBits;
  let mantissa = magnitude & ((1u << mantissaBits) - 1u);
  let isNan = (specials == FNUZ && code == signBit) || (specials == ALL_ONES && magnitude == signBit - 1u);
  if isNan { return bitcast<f32>(0x7fc00000u | sign); }
  if specials == IEEE && exponent == (1u << exponentBits) - 1u {
    return bitcast<f32>(sign | 0x7f800000u | (mantissa << (23u - mantissaBits)));
  }
  if exponent == 0u {
    return bitcast<f32>(sign | bitcast<u32>(f32(mantissa) * powerOfTwo(1 - bias - i32(mantissaBits))));
  }
  return bitcast<f32>(sign | (u32(i32(exponent) + 127 - bias) << 23u) | (mantissa << (23u - mantissaBits)));
}

// 2^(code - 127); 255 is NaN. 2^-127 is no normal f32.
fn decodePowerOfTwo(code: u32) -> f32 {
  return bitcast<f32>(select(select(code << 23u, 0x7fc00000u, code == 255u), 0x00400000u, code == 0u));
}

// The nearest code, ties to even or away from zero; beyond `largest` comes `overflow`.
fn encodeFloat(
  value: f32, exponentBits: u32, mantissaBits: u32, bias: i32, specials: u32, largest: u32, overflow: u32,
  halfAway: bool,
) -> u32 {
  let bits = bitcast<u32>(value);
  let magnitude = bits & 0x7fffffffu;
  let signBit = 1u << (exponentBits + mantissaBits);
  let sign = select(0u, signBit, bits != magnitude);
  if magnitude == 0x7f800000u { return sign | overflow; }
  if magnitude > 0x7f800000u { return sign | (signBit - 1u); }
  var exponent = max(i32(magnitude >> 23u), 1) - 127;
  let significand = select(magnitude & 0x7fffffu, (magnitude & 0x7fffffu) | 0x800000u, magnitude >= 0x800000u);
  let lowest = max(exponent, 1 - bias);
  let shift = u32(23 - i32(mantissaBits) + lowest - exponent);
  var rounded = 0u;
  if shift == 0u {
    rounded = significand;
  } else if shift < 25u {
    let half = 1u << (shift - 1u);
    let odd = (significand >> shift) & 1u;
    rounded = (significand + select(half - 1u + odd, half, halfAway)) >> shift;
  }
  let code = (u32(lowest + bias - 1) << mantissaBits) + rounded;
  if specials == FNUZ && code == 0u { return 0u; }
  return sign | select(code, overflow, code > largest);
}

// The nearest power of two from 2^-127 to 2^127; halfway, at 1.5, up.
fn roundToPowerOfTwo(value: f32) -> f32 {
  let bits = bitcast<u32>(value);
  let code = min((bits >> 23u) + ((bits >> 22u) & 1u), 254u);
  return decodePowerOfTwo(code);
}

// The correctly rounded quotient, which WGSL's own division is not; below 2^-126 zero.
fn divide(numerator: f32, denominator: f32) -> f32 {
  let top = bitcast<u32>(numerator) & 0x7fffffffu;
  let bottom = bitcast<u32>(denominator) & 0x7fffffffu;
  let sign = (bitcast<u32>(numerator) ^ bitcast<u32>(denominator)) & 0x80000000u;
  if top == 0u { return bitcast<f32>(sign); }
  if top >= 0x7f800000u || bottom >= 0x7f800000u || bottom == 0u { return numerator / denominator; }
  // Numbers that are not normal are shifted until their first bit stands where that of normal ones does.
  let topShift = select(0u, countLeadingZeros(top) - 8u, top < 0x800000u);
  let bottomShift = select(0u, countLeadingZeros(bottom) - 8u, bottom < 0x800000u);
  var remainder = select((top & 0x7fffffu) | 0x800000u, top << topShift, top < 0x800000u);
  let divisor = select((bottom & 0x7fffffu) | 0x800000u, bottom << bottomShift, bottom < 0x800000u);
  var exponent = max(i32(top >> 23u), 1) - i32(topShift) - max(i32(bottom >> 23u), 1) + i32(bottomShift);
  if remainder < divisor {
    remainder <<= 1u;
    exponent -= 1;
  }
  // 24 bits of the quotient and one more to round by; what remains says whether that was all.
  remainder -= divisor;
  var quotient = 1u;
  for (var bit = 0u; bit < 24u; bit++) {
    remainder <<= 1u;
    quotient <<= 1u;
    if remainder >= divisor {
      remainder -= divisor;
      quotient |= 1u;
    }
  }
  let up = (quotient & 1u) != 0u && (remainder != 0u || (quotient & 2u) != 0u);
  let rounded = (quotient >> 1u) + select(0u, 1u, up);
  if exponent < -126 { return bitcast<f32>(sign); }
  if exponent > 127 { return bitcast<f32>(sign | 0x7f800000u); }
  return bitcast<f32>(sign | ((u32(exponent + 126) << 23u) + rounded));
}

// To the nearest integer, ties to even or away from zero.
fn roundToInteger(value: f32, halfAway: bool) -> f32 {
  if !halfAway { return round(value); }
  let below = floor(abs(value));
  let rounded = select(below, below + 1.0, abs(value) - below >= 0.5);
  return select(rounded, -rounded, value < 0.0);
}
