// AVX2 with FMA and F16C, and perhaps AVX-VNNI: 8 rows a vector, two passes of 16 rows over a block.
#pragma once
#include <immintrin.h>

#include "linear.h"

namespace lowbit {
namespace {

// Vnni: four products u8 x s8 are added by one instruction, which saturates nowhere.
template <bool Vnni>
struct Avx2 {
  using F = __m256;
  using I = __m256i;
  struct Table {
    __m256 low, high;
  };
  static constexpr int lanes = 8, vectors = 2;
  static constexpr bool looksUpSixteen = false;
  // 16 registers: two rows' sums, codes and constants fill them. Without intermediate results there is room for more sums.
  static constexpr int int8Rows = Vnni ? 4 : 2, int16Rows = Vnni ? 2 : 1, floatRows = 2, denseRows = 2;

  static F zero() { return _mm256_setzero_ps(); }
  static F set(float value) { return _mm256_set1_ps(value); }
  static F loadF(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, F a) { _mm256_storeu_ps(p, a); }
  static F addF(F a, F b) { return _mm256_add_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F mulAdd(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F negatedMulAdd(F a, F b, F c) { return _mm256_fnmadd_ps(a, b, c); }
  static F toFloat(I a) { return _mm256_cvtepi32_ps(a); }
  static float sumOf(F a) {
    const __m128 c = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 d = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(d, _mm_shuffle_ps(d, d, 1)));
  }

  static I zeroI() { return _mm256_setzero_si256(); }
  static I setI(int32_t value) { return _mm256_set1_epi32(value); }
  static I load(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static void storeI(int32_t* p, I a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a); }
  static I add(I a, I b) { return _mm256_add_epi32(a, b); }
  static I mulI(I a, I b) { return _mm256_mullo_epi32(a, b); }
  static I shiftLeft8(I a) { return _mm256_slli_epi32(a, 8); }
  static I broadcastDword(const uint8_t* p) {
    int32_t value;
    __builtin_memcpy(&value, p, 4);
    return _mm256_set1_epi32(value);
  }
  static I lowNibbles(I a) { return _mm256_and_si256(a, _mm256_set1_epi8(15)); }
  static I highNibbles(I a) { return _mm256_and_si256(_mm256_srli_epi32(a, 4), _mm256_set1_epi8(15)); }
  static I bytes16(const uint8_t* p) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static I lookUp(I table, I index) { return _mm256_shuffle_epi8(table, index); }
  // Adds four products u8 x s8 to each lane. Without VNNI pairs are added in 16 bits, which saturate beyond codes of 127.
  static I dot(I sum, I codes, I values) {
    if constexpr (Vnni) return dotVnni(sum, codes, values);
    return add(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(codes, values), _mm256_set1_epi16(1)));
  }
  // The same for codes up to 255: their halves one after the other, the upper one times 16.
  static I dotWide(I sum, I codes, I values) {
    if constexpr (Vnni) return dotVnni(sum, codes, values);
    const I upper = _mm256_maddubs_epi16(highNibbles(codes), values);
    return add(dot(sum, lowNibbles(codes), values), _mm256_madd_epi16(upper, _mm256_set1_epi16(16)));
  }

  static Table table16(const float* numbers) { return {loadF(numbers), loadF(numbers + 8)}; }
  // The lane's low three bits look up in either half; the fourth, moved to the sign, chooses.
  template <int K>
  static F lookUpNibble(Table table, I stored) {
    const I index = _mm256_srli_epi32(stored, 4 * K);
    const F low = _mm256_permutevar8x32_ps(table.low, index), high = _mm256_permutevar8x32_ps(table.high, index);
    return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(stored, 28 - 4 * K)));
  }
  static I flipNibbleSigns(I a) { return _mm256_xor_si256(a, _mm256_set1_epi8(static_cast<char>(0x88))); }
  template <int K, bool Signed>
  static I nibbleOf(I a) {
    if constexpr (Signed) return _mm256_srai_epi32(_mm256_slli_epi32(a, 28 - 4 * K), 28);
    return _mm256_and_si256(_mm256_srli_epi32(a, 4 * K), _mm256_set1_epi32(15));
  }
  static I flipSigns(I a) { return _mm256_xor_si256(a, _mm256_set1_epi8(-128)); }
  template <int Byte, bool Signed>
  static I byteOf(I a) {
    if constexpr (Signed) return _mm256_srai_epi32(_mm256_slli_epi32(a, 24 - 8 * Byte), 24);
    return _mm256_and_si256(_mm256_srli_epi32(a, 8 * Byte), _mm256_set1_epi32(255));
  }
  template <bool E5m2>
  static F fromFloat8(const uint8_t* p) {
    const __m128i wide = _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    if constexpr (E5m2) return _mm256_cvtph_ps(_mm_slli_epi16(wide, 8));
    return _mm256_cvtph_ps(_mm_and_si128(_mm_slli_epi16(wide, 7), _mm_set1_epi16(static_cast<short>(0xbfff))));
  }

  static F fromHalves(ScaleType type, __m128i halves) {
    if (type == ScaleType::f16) return _mm256_cvtph_ps(halves);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
  }
  static F loadScales(ScaleType type, const uint8_t* table, int64_t row) {
    if (type == ScaleType::f32) return _mm256_loadu_ps(reinterpret_cast<const float*>(table + row * 4));
    return fromHalves(type, _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + row * 2)));
  }
  static F loadZeros(ZeroType type, const uint8_t* table, int64_t row) {
    if (type == ZeroType::f32) return _mm256_loadu_ps(reinterpret_cast<const float*>(table + row * 4));
    return toFloat(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(table + row))));
  }
  template <DenseType Type>
  static F loadDense(const uint8_t* p) {
    if constexpr (Type == DenseType::f32) return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return fromHalves(Type == DenseType::f16 ? ScaleType::f16 : ScaleType::bf16, halves);
  }
  static void prefetch(const uint8_t* p, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) _mm_prefetch(reinterpret_cast<const char*>(p + i), _MM_HINT_T0);
  }

 private:
  static I dotVnni(I sum, I codes, I values) {
#if defined(__AVXVNNI__)
    return _mm256_dpbusd_avx_epi32(sum, codes, values);
#elif defined(__AVX512VNNI__) && defined(__AVX512VL__)
    // The same instruction in another encoding: how tests run this on processors that have only that one.
    return _mm256_dpbusd_epi32(sum, codes, values);
#else
    static_assert(!Vnni, "compiled without VNNI");
    (void)codes, (void)values;
    return sum;
#endif
  }
};

}  // namespace
}  // namespace lowbit
