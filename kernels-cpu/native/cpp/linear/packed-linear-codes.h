// What is stored for a code of a file.
#pragma once
#include "packed-layout.h"

namespace lowbit {
namespace {

// Sums of products of 8-bit codes, 0..255 times -128..127, fit 32 bits up to so many columns.
constexpr int64_t largestExactSum = 65535;

// fp6 numbers as e4m3 bits. e2m3: m/8 * 2^max(e, 1) / 2; e3m2: m/4 * 2^max(e, 1) / 8; both with the hidden one where e > 0.
inline uint8_t e4m3FromFp6(uint8_t code, int mantissaBits, int bias) {
  const int magnitude = code & 31;
  int exponent = magnitude >> mantissaBits;
  int mantissa = (magnitude & ((1 << mantissaBits) - 1)) << (3 - mantissaBits);
  const uint8_t sign = static_cast<uint8_t>((code & 32) << 2);
  if (exponent == 0) {
    if (mantissa == 0) return sign;
    exponent = 1;
    while (mantissa < 8) {
      mantissa <<= 1;
      exponent -= 1;
    }
    mantissa -= 8;
  }
  return static_cast<uint8_t>(sign | (exponent - bias + 7) << 3 | mantissa);
}

// Eight codes of a file, one a byte, as they are stored.
inline uint64_t storedCodes(CodeType type, uint64_t codes) {
  constexpr uint64_t ones = 0x0101010101010101u;
  switch (type) {
    case CodeType::u4:
    case CodeType::f4e2m1:
      return codes & 15 * ones;
    case CodeType::i4:
      return (codes ^ 8 * ones) & 15 * ones;
    case CodeType::i8:
      return codes ^ 128 * ones;
    case CodeType::f6e2m3:
    case CodeType::f6e3m2: {
      uint64_t stored = 0;
      const int mantissaBits = type == CodeType::f6e2m3 ? 3 : 2, bias = type == CodeType::f6e2m3 ? 1 : 3;
      for (int byte = 0; byte < 64; byte += 8) {
        stored |= static_cast<uint64_t>(e4m3FromFp6(static_cast<uint8_t>(codes >> byte), mantissaBits, bias)) << byte;
      }
      return stored;
    }
    default:
      return codes;
  }
}

}  // namespace
}  // namespace lowbit
