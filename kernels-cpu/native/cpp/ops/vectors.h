// Sixteen floats at a time, written once: the compiler makes them of whatever registers the instruction set has.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <cstdint>
#include <cstring>

namespace lowbit {
namespace {

typedef float F32x16 __attribute__((vector_size(64)));
typedef int32_t I32x16 __attribute__((vector_size(64)));
typedef uint32_t U32x16 __attribute__((vector_size(64)));
typedef uint16_t U16x16 __attribute__((vector_size(32)));
typedef double F64x16 __attribute__((vector_size(128)));
typedef int64_t I64x16 __attribute__((vector_size(128)));

constexpr int64_t lanes = 16;

inline F32x16 splat(float value) { return value - F32x16{}; }

// a * b + c, rounded once where there is an instruction for it.
inline F32x16 mulAdd(F32x16 a, F32x16 b, F32x16 c) {
#if defined(__AVX512F__)
  return reinterpret_cast<F32x16>(_mm512_fmadd_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
#elif defined(__aarch64__)
  F32x16 sum = c;
  for (int64_t lane = 0; lane < lanes; lane += 1) sum[lane] = __builtin_fmaf(a[lane], b[lane], c[lane]);
  return sum;
#elif defined(__FMA__)
  typedef float F32x8 __attribute__((vector_size(32)));
  F32x8 x[2], y[2], z[2];
  std::memcpy(x, &a, sizeof a);
  std::memcpy(y, &b, sizeof b);
  std::memcpy(z, &c, sizeof c);
  for (int half = 0; half < 2; half += 1) z[half] = _mm256_fmadd_ps(x[half], y[half], z[half]);
  std::memcpy(&c, z, sizeof c);
  return c;
#else
  return a * b + c;
#endif
}

inline F32x16 load(const float* p) {
  F32x16 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// The first `count` numbers, then zeros.
inline F32x16 loadPart(const float* p, int64_t count) {
  if (count >= lanes) return load(p);
  F32x16 v = {};
  std::memcpy(&v, p, static_cast<size_t>(count) * sizeof(float));
  return v;
}

inline void storePart(float* p, F32x16 v, int64_t count) {
  // Of a size known here, a copy is one instruction; else a call.
  if (count >= lanes) std::memcpy(p, &v, sizeof v);
  else std::memcpy(p, &v, static_cast<size_t>(count) * sizeof(float));
}

// Halves are folded onto each other: always the same order.
inline float sum(F32x16 v) {
  typedef float F32x8 __attribute__((vector_size(32)));
  typedef float F32x4 __attribute__((vector_size(16)));
  F32x8 half[2];
  std::memcpy(half, &v, sizeof v);
  const F32x8 eight = half[0] + half[1];
  F32x4 quarter[2];
  std::memcpy(quarter, &eight, sizeof eight);
  const F32x4 four = quarter[0] + quarter[1];
  return (four[0] + four[2]) + (four[1] + four[3]);
}

// e^x to about 1 ulp; infinite from 88.4 on, and no less than e^-87. NaN stays NaN.
// Fused: with fused multiply-adds where the processor has them, for bits of its own.
// Cody-Waite reduction to +-ln(2)/2, then the Taylor polynomial of degree 7 (error below 2^-26 there).
template <bool fused = false>
inline F32x16 exponential(F32x16 x) {
  const auto of = [](F32x16 a, F32x16 b, F32x16 c) { return fused ? mulAdd(a, b, c) : a * b + c; };
  const F32x16 most = splat(89.0f), least = splat(-87.0f);  // at 89, n is 128: the exponent of infinity
  x = x > most ? most : x;
  x = x < least ? least : x;
  const F32x16 magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const F32x16 n = of(x, splat(1.44269504f), magic) - magic;
  const F32x16 r = of(n, splat(2.12194440e-4f), of(n, splat(-0.693359375f), x));
  F32x16 p = splat(1.0f / 5040);
  p = of(p, r, splat(1.0f / 720));
  p = of(p, r, splat(1.0f / 120));
  p = of(p, r, splat(1.0f / 24));
  p = of(p, r, splat(1.0f / 6));
  p = of(p, r, splat(0.5f));
  p = of(p * r, r, r) + splat(1.0f);
  const F32x16 finite = n == n ? n : splat(0.0f);
  const I32x16 bits = (__builtin_convertvector(finite, I32x16) + 127) << 23;
  F32x16 power;
  std::memcpy(&power, &bits, sizeof power);
  return p * power;
}

inline F64x16 widen(F32x16 v) { return __builtin_convertvector(v, F64x16); }
inline F32x16 narrow(F64x16 v) { return __builtin_convertvector(v, F32x16); }

inline double sum(F64x16 v) {
  double all = 0;
  for (int64_t lane = 0; lane < lanes; lane += 1) all += v[lane];
  return all;
}

// e^x for f32 numbers x, right to the last bit of f32 but in rare cases: the same reduction, a polynomial of degree 9 (error below 2^-36).
inline F32x16 exactExponential(F32x16 value) {
  const F32x16 most = splat(88.0f), least = splat(-87.0f);
  value = value > most ? most : value;
  value = value < least ? least : value;
  const F64x16 x = widen(value);
  const double magic = 6755399441055744.0;  // 1.5 * 2^52
  const F64x16 n = (x * 1.4426950408889634 + magic) - magic;
  const F64x16 r = x - n * 0.6931471805599453;
  F64x16 p = r * (1.0 / 362880) + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  const F64x16 finite = n == n ? n : F64x16{};
  const I64x16 bits = (__builtin_convertvector(finite, I64x16) + 1023) << 52;
  F64x16 power;
  std::memcpy(&power, &bits, sizeof power);
  return narrow(p * power);
}

inline F32x16 floatOfBits(U32x16 bits) {
  F32x16 v;
  std::memcpy(&v, &bits, sizeof v);
  return v;
}

inline U16x16 load16(const uint16_t* p, int64_t count) {
  U16x16 v = {};
  if (count >= lanes) std::memcpy(&v, p, sizeof v);
  else std::memcpy(&v, p, static_cast<size_t>(count) * sizeof(uint16_t));
  return v;
}

inline F32x16 fromBf16(U16x16 v) { return floatOfBits(__builtin_convertvector(v, U32x16) << 16); }

// Exponent and mantissa move to their f32 places, and a power of two mends the bias, also of subnormal numbers.
inline F32x16 fromF16(U16x16 v) {
#if defined(__AVX512F__)
  return reinterpret_cast<F32x16>(_mm512_cvtph_ps(reinterpret_cast<__m256i>(v)));
#else
  const U32x16 bits = __builtin_convertvector(v, U32x16);
  const U32x16 magnitude = (bits & 0x7fff) << 13;
  const F32x16 finite = floatOfBits(magnitude) * splat(5.192296858534828e33f);  // 2^112
  const F32x16 special = floatOfBits(magnitude | 0x7f800000);
  const F32x16 value = (bits & 0x7c00) == 0x7c00 ? special : finite;
  U32x16 result;
  std::memcpy(&result, &value, sizeof value);
  return floatOfBits(result | (bits & 0x8000) << 16);
#endif
}

}  // namespace
}  // namespace lowbit
