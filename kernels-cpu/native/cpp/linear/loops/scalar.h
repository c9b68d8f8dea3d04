// One number at a time: what f16, bf16 and packed tables hold.
#pragma once
#include <cstring>

#include "../packed-layout.h"

namespace lowbit {
namespace {

inline uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}
inline float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
inline float fromBf16(uint16_t bits) { return floatOf(static_cast<uint32_t>(bits) << 16); }

// Exact, subnormals included, whatever the processor does to subnormal f32.
inline float fromF16(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 31;
  const uint32_t mantissa = half & 1023;
  if (exponent == 31) return floatOf(sign | 0x7f800000 | mantissa << 13);
  if (exponent > 0) return floatOf(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * (1.0f / 16777216.0f);
  return sign ? -magnitude : magnitude;
}

// The even bytes of v, side by side.
inline uint32_t evenBytes(uint64_t v) {
  v &= 0x00ff00ff00ff00ffu;
  v = (v | v >> 8) & 0x0000ffff0000ffffu;
  return static_cast<uint32_t>(v | v >> 16);
}

inline float scaleAt(ScaleType type, const uint8_t* table, int64_t row) {
  uint16_t half;
  float value;
  if (type == ScaleType::f32) {
    std::memcpy(&value, table + row * 4, 4);
    return value;
  }
  std::memcpy(&half, table + row * 2, 2);
  return type == ScaleType::f16 ? fromF16(half) : fromBf16(half);
}

inline float zeroAt(ZeroType type, const uint8_t* table, int64_t row) {
  if (type == ZeroType::none) return 0;
  if (type == ZeroType::u8) return table[row];
  float value;
  std::memcpy(&value, table + row * 4, 4);
  return value;
}

}  // namespace
}  // namespace lowbit
