// AVX-512 F, BW, DQ, VL, VNNI and VBMI: 16 rows a vector, a whole block of 32 rows a tile.
#pragma once
#include <immintrin.h>

#include "linear.h"

namespace lowbit {
namespace {

struct Avx512 {
  using F = __m512;
  using I = __m512i;
  using Table = __m512;
  static constexpr int lanes = 16, vectors = 2;
  static constexpr bool looksUpSixteen = true;  // in one instruction
  // As many rows as the registers hold.
  static constexpr int int8Rows = 8, int16Rows = 4, floatRows = 4, denseRows = 4;

  static F zero() { return _mm512_setzero_ps(); }
  static F set(float value) { return _mm512_set1_ps(value); }
  static F loadF(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, F a) { _mm512_storeu_ps(p, a); }
  static F addF(F a, F b) { return _mm512_add_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F mulAdd(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F negatedMulAdd(F a, F b, F c) { return _mm512_fnmadd_ps(a, b, c); }
  static F toFloat(I a) { return _mm512_cvtepi32_ps(a); }
  static float sumOf(F a) {
    const __m256 b = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    const __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    const __m128 d = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(d, _mm_shuffle_ps(d, d, 1)));
  }

  static I zeroI() { return _mm512_setzero_si512(); }
  static I setI(int32_t value) { return _mm512_set1_epi32(value); }
  static I load(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static void storeI(int32_t* p, I a) { _mm512_storeu_si512(p, a); }
  static void storeBytes(uint8_t* p, I a) { _mm512_storeu_si512(p, a); }
  static I add(I a, I b) { return _mm512_add_epi32(a, b); }
  static I mulI(I a, I b) { return _mm512_mullo_epi32(a, b); }
  static I shiftLeft8(I a) { return _mm512_slli_epi32(a, 8); }
  static I broadcastDword(const uint8_t* p) {
    int32_t value;
    __builtin_memcpy(&value, p, 4);
    return _mm512_set1_epi32(value);
  }
  static I lowNibbles(I a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
  static I highNibbles(I a) { return _mm512_and_si512(_mm512_srli_epi32(a, 4), _mm512_set1_epi8(15)); }
  static I bytes16(const uint8_t* p) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static I lookUp(I table, I index) { return _mm512_shuffle_epi8(table, index); }
  // Adds four products u8 x s8 to each lane; does not saturate.
  static I dot(I sum, I codes, I values) { return _mm512_dpbusd_epi32(sum, codes, values); }
  static I dotWide(I sum, I codes, I values) { return _mm512_dpbusd_epi32(sum, codes, values); }

  static Table table16(const float* numbers) { return loadF(numbers); }
  template <int K>
  static F lookUpNibble(Table table, I stored) {
    return _mm512_permutexvar_ps(_mm512_srli_epi32(stored, 4 * K), table);
  }
  static I flipSigns(I a) { return _mm512_xor_si512(a, _mm512_set1_epi8(-128)); }
  template <int Byte, bool Signed>
  static I byteOf(I a) {
    if constexpr (Signed) return _mm512_srai_epi32(_mm512_slli_epi32(a, 24 - 8 * Byte), 24);
    return _mm512_and_si512(_mm512_srli_epi32(a, 8 * Byte), _mm512_set1_epi32(255));
  }
  template <bool E5m2>
  static F fromFloat8(const uint8_t* p) {
    const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    if constexpr (E5m2) return _mm512_cvtph_ps(_mm256_slli_epi16(wide, 8));
    return _mm512_cvtph_ps(_mm256_and_si256(_mm256_slli_epi16(wide, 7), _mm256_set1_epi16(static_cast<short>(0xbfff))));
  }

  static F fromHalves(ScaleType type, __m256i halves) {
    if (type == ScaleType::f16) return _mm512_cvtph_ps(halves);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  }
  static F loadScales(ScaleType type, const uint8_t* table, int64_t row) {
    if (type == ScaleType::f32) return _mm512_loadu_ps(table + row * 4);
    return fromHalves(type, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(table + row * 2)));
  }
  static F loadZeros(ZeroType type, const uint8_t* table, int64_t row) {
    if (type == ZeroType::f32) return _mm512_loadu_ps(table + row * 4);
    return toFloat(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table + row))));
  }
  template <DenseType Type>
  static F loadDense(const uint8_t* p) {
    if constexpr (Type == DenseType::f32) return _mm512_loadu_ps(p);
    const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return fromHalves(Type == DenseType::f16 ? ScaleType::f16 : ScaleType::bf16, halves);
  }
  static void prefetch(const uint8_t* p, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) _mm_prefetch(reinterpret_cast<const char*>(p + i), _MM_HINT_T0);
  }
};

}  // namespace
}  // namespace lowbit
