// NEON with dot products (Armv8.2): 4 rows a vector, two passes of 16 rows over a block.
#pragma once
#include <arm_neon.h>

#include "linear.h"

namespace lowbit {
namespace {

// MixedSigns: I8MM, whose dot product takes an unsigned and a signed operand.
template <bool MixedSigns>
struct Neon {
  using F = float32x4_t;
  using I = int32x4_t;
  // Twice the numbers.
  using Table = int8x16_t;
  static constexpr int lanes = 4, vectors = 4;
  static constexpr bool looksUpSixteen = false;
  // 32 registers: what is added up in f32 at the end of a chunk may leave them.
  static constexpr int int8Rows = 4, int16Rows = 2, floatRows = 2, denseRows = 4;

  static F zero() { return vdupq_n_f32(0); }
  static F set(float value) { return vdupq_n_f32(value); }
  static F loadF(const float* p) { return vld1q_f32(p); }
  static void store(float* p, F a) { vst1q_f32(p, a); }
  static F addF(F a, F b) { return vaddq_f32(a, b); }
  static F mul(F a, F b) { return vmulq_f32(a, b); }
  static F mulAdd(F a, F b, F c) { return vfmaq_f32(c, a, b); }
  static F negatedMulAdd(F a, F b, F c) { return vfmsq_f32(c, a, b); }
  static F toFloat(I a) { return vcvtq_f32_s32(a); }
  static float sumOf(F a) {
    const float32x2_t pairs = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(vpadd_f32(pairs, pairs), 0);
  }

  static I zeroI() { return vdupq_n_s32(0); }
  static I setI(int32_t value) { return vdupq_n_s32(value); }
  static I load(const uint8_t* p) { return vreinterpretq_s32_u8(vld1q_u8(p)); }
  static void storeI(int32_t* p, I a) { vst1q_s32(p, a); }
  static I add(I a, I b) { return vaddq_s32(a, b); }
  static I mulI(I a, I b) { return vmulq_s32(a, b); }
  static I shiftLeft8(I a) { return vshlq_n_s32(a, 8); }
  static I broadcastDword(const uint8_t* p) {
    int32_t value;
    __builtin_memcpy(&value, p, 4);
    return vdupq_n_s32(value);
  }
  static I lowNibbles(I a) { return vreinterpretq_s32_u8(vandq_u8(vreinterpretq_u8_s32(a), vdupq_n_u8(15))); }
  static I highNibbles(I a) { return vreinterpretq_s32_u8(vshrq_n_u8(vreinterpretq_u8_s32(a), 4)); }
  static I bytes16(const uint8_t* p) { return load(p); }
  static I lookUp(I table, I index) {
    return vreinterpretq_s32_u8(vqtbl1q_u8(vreinterpretq_u8_s32(table), vreinterpretq_u8_s32(index)));
  }
  // Adds four products to each lane: codes up to 127 are the same signed.
  static I dot(I sum, I codes, I values) {
    return vdotq_s32(sum, vreinterpretq_s8_s32(codes), vreinterpretq_s8_s32(values));
  }
  // Codes up to 255. Without mixed signs 128 comes off the codes, and 128 times the values goes on: two times 64, made once
  // for all vectors of rows.
  static I dotWide(I sum, I codes, I values) {
    if constexpr (MixedSigns) {
      return dotMixed(sum, codes, values);
    } else {
      const I offset = vshlq_n_s32(vdotq_s32(zeroI(), vdupq_n_s8(64), vreinterpretq_s8_s32(values)), 1);
      return dot(add(sum, offset), flipSigns(codes), values);
    }
  }

  // Numbers that are halves of whole numbers within +-63, as those of f4e2m1. A zero loses its sign.
  static Table table16(const float* numbers) {
    int8_t doubled[16];
    for (int i = 0; i < 16; i += 1) doubled[i] = static_cast<int8_t>(2 * numbers[i]);
    return vld1q_s8(doubled);
  }
  template <int K>
  static F lookUpNibble(Table table, I stored) {
    const I nibbles = K & 1 ? highNibbles(stored) : lowNibbles(stored);
    const I doubled = vreinterpretq_s32_s8(vqtbl1q_s8(table, vreinterpretq_u8_s32(nibbles)));
    return vcvtq_n_f32_s32(byteOf<K / 2, true>(doubled), 1);
  }
  static I flipNibbleSigns(I a) { return vreinterpretq_s32_u8(veorq_u8(vreinterpretq_u8_s32(a), vdupq_n_u8(0x88))); }
  template <int K, bool Signed>
  static I nibbleOf(I a) {
    return upperBits<4, Signed>(vshlq_n_s32(a, 28 - 4 * K));
  }
  static I flipSigns(I a) { return vreinterpretq_s32_u8(veorq_u8(vreinterpretq_u8_s32(a), vdupq_n_u8(0x80))); }
  template <int Byte, bool Signed>
  static I byteOf(I a) {
    return upperBits<8, Signed>(vshlq_n_s32(a, 24 - 8 * Byte));
  }
  template <bool E5m2>
  static F fromFloat8(const uint8_t* p) {
    const uint16x4_t wide = vreinterpret_u16_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(four(p)))));
    if constexpr (E5m2) return fromHalves(ScaleType::f16, vshl_n_u16(wide, 8));
    return fromHalves(ScaleType::f16, vand_u16(vshl_n_u16(wide, 7), vdup_n_u16(0xbfff)));
  }

  static F fromHalves(ScaleType type, uint16x4_t halves) {
    if (type == ScaleType::f16) return vcvt_f32_f16(vreinterpret_f16_u16(halves));
    return vreinterpretq_f32_u32(vshll_n_u16(halves, 16));
  }
  static F loadScales(ScaleType type, const uint8_t* table, int64_t row) {
    if (type == ScaleType::f32) return loadNumbers(table + row * 4);
    return fromHalves(type, loadHalves(table + row * 2));
  }
  static F loadZeros(ZeroType type, const uint8_t* table, int64_t row) {
    if (type == ZeroType::f32) return loadNumbers(table + row * 4);
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(four(table + row)))));
  }
  template <DenseType Type>
  static F loadDense(const uint8_t* p) {
    if constexpr (Type == DenseType::f32) return loadNumbers(p);
    return fromHalves(Type == DenseType::f16 ? ScaleType::f16 : ScaleType::bf16, loadHalves(p));
  }
  static void prefetch(const uint8_t* p, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(p + i);
  }

 private:
  static I dotMixed(I sum, I codes, I values) {
#ifdef __ARM_FEATURE_MATMUL_INT8
    return vusdotq_s32(sum, vreinterpretq_u8_s32(codes), vreinterpretq_s8_s32(values));
#else
    static_assert(!MixedSigns, "compiled without I8MM");
    (void)codes, (void)values;
    return sum;
#endif
  }
  template <int Bits, bool Signed>
  static I upperBits(I a) {
    if constexpr (Signed) return vshrq_n_s32(a, 32 - Bits);
    return vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a), 32 - Bits));
  }
  static uint8x8_t four(const uint8_t* p) {
    uint32_t bytes;
    __builtin_memcpy(&bytes, p, 4);
    return vreinterpret_u8_u32(vdup_n_u32(bytes));
  }
  // Of no more alignment than a byte: vld1 of these types would promise theirs.
  static F loadNumbers(const uint8_t* p) { return vreinterpretq_f32_u8(vld1q_u8(p)); }
  static uint16x4_t loadHalves(const uint8_t* p) { return vreinterpret_u16_u8(vld1_u8(p)); }
};

}  // namespace
}  // namespace lowbit
