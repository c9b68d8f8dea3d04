// Random layers and what they compute, in f64, from the definition alone.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "linear.h"

namespace truth {

using namespace lowbit;

struct Freed {
  void operator()(void* memory) const { std::free(memory); }
};
// Aligned to 64 and not a byte longer than asked, so that a sanitizer sees what reads beyond it.
inline std::unique_ptr<uint8_t, Freed> aligned(size_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, 64, bytes ? bytes : 1) != 0) std::abort();
  return std::unique_ptr<uint8_t, Freed>(static_cast<uint8_t*>(memory));
}

// A float of `exponentBits` and `mantissaBits` as IEEE has it, without infinity; NaN where the type has one.
inline double smallFloat(int code, int exponentBits, int mantissaBits, int bias) {
  const int exponent = code >> mantissaBits & ((1 << exponentBits) - 1);
  const int mantissa = code & ((1 << mantissaBits) - 1);
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, 1 - bias - mantissaBits)
                                         : std::ldexp(mantissa + (1 << mantissaBits), exponent - bias - mantissaBits);
  return code >> (exponentBits + mantissaBits) & 1 ? -magnitude : magnitude;
}

inline double numberOf(CodeType type, uint8_t code) {
  switch (type) {
    case CodeType::u4:
    case CodeType::u8:
      return code;
    case CodeType::i4:
    case CodeType::i8:
      return static_cast<int8_t>(code);
    case CodeType::f4e2m1:
      return smallFloat(code, 2, 1, 1);
    case CodeType::f6e2m3:
      return smallFloat(code, 2, 3, 1);
    case CodeType::f6e3m2:
      return smallFloat(code, 3, 2, 3);
    case CodeType::f8e4m3:
      return (code & 127) == 127 ? std::nan("") : smallFloat(code, 4, 3, 7);
    case CodeType::f8e4m3fnuz:
      return code == 128 ? std::nan("") : smallFloat(code, 4, 3, 8);
    case CodeType::f8e5m2:
      if ((code & 127) > 124) return std::nan("");
      return (code & 127) == 124 ? (code & 128 ? -INFINITY : INFINITY) : smallFloat(code, 5, 2, 15);
  }
  return 0;
}

struct Layer {
  WeightShape shape;
  int64_t groups;
  std::vector<uint8_t> codes;          // [out][in]
  std::vector<float> scales, zeros;    // [out][groups]
  std::unique_ptr<uint8_t, Freed> memory;
  PackedLinear packed;

  double weight(int64_t o, int64_t i) const {
    const int64_t g = o * groups + i / std::min(shape.groupSize, shape.inFeatures);
    const double zero = zeros.empty() ? 0 : zeros[g];
    return (numberOf(shape.codes, codes[o * shape.inFeatures + i]) - zero) * static_cast<double>(scales[g] * shape.scaleFactor);
  }
  // What rounding is relative to: the sizes that kernels add up.
  double magnitude(int64_t o, int64_t i) const {
    const int64_t g = o * groups + i / std::min(shape.groupSize, shape.inFeatures);
    const double zero = zeros.empty() ? 0 : std::abs(zeros[g]) + (shape.codes == CodeType::i8 ? 128 : shape.codes == CodeType::i4 ? 8 : 0);
    const double code = std::abs(numberOf(shape.codes, codes[o * shape.inFeatures + i]));
    return (code + 2 * zero) * std::abs(static_cast<double>(scales[g] * shape.scaleFactor));
  }
};

inline uint8_t randomCode(CodeType type, std::mt19937& random) {
  for (;;) {
    uint8_t code = static_cast<uint8_t>(random());
    if (type == CodeType::u4 || type == CodeType::f4e2m1) code &= 15;
    if (type == CodeType::i4) code = static_cast<uint8_t>(static_cast<int>(code & 15) - 8);
    if (type == CodeType::f6e2m3 || type == CodeType::f6e3m2) code &= 63;
    if (std::isfinite(numberOf(type, code))) return code;
  }
}

// Powers of two times a few bits: numbers of every scale type.
inline float randomScale(std::mt19937& random) {
  return std::ldexp(static_cast<float>(128 + random() % 128), -15 - static_cast<int>(random() % 4));
}

inline Layer randomLayer(const WeightShape& shape, std::mt19937& random) {
  Layer layer{shape, blockCount(0), {}, {}, {}, nullptr, {}};
  layer.groups = (shape.inFeatures + std::min(shape.groupSize, shape.inFeatures) - 1) / std::min(shape.groupSize, shape.inFeatures);
  layer.codes.resize(shape.outFeatures * shape.inFeatures);
  for (uint8_t& code : layer.codes) code = randomCode(shape.codes, random);
  layer.scales.resize(shape.outFeatures * layer.groups);
  for (float& scale : layer.scales) scale = randomScale(random);
  if (shape.zeros != ZeroType::none) {
    layer.zeros.resize(layer.scales.size());
    const int span = shape.codes == CodeType::u8 ? 256 : shape.codes == CodeType::i8 ? 256 : 17;
    const int least = shape.codes == CodeType::i8 ? -128 : shape.codes == CodeType::i4 ? -8 : 0;
    for (float& zero : layer.zeros) {
      zero = static_cast<float>(static_cast<int>(random() % span) + least);
      if (shape.zeros == ZeroType::f32) zero += 0.37f;
    }
  }
  return layer;
}

inline PackResult pack(Layer& layer) {
  layer.memory = aligned(packedBytes(layer.shape));
  layer.packed = {layer.shape, layer.memory.get()};
  const int64_t in = layer.shape.inFeatures;
  for (int64_t block = 0; block < blockCount(layer.shape.outFeatures); block += 1) {
    const int64_t row = block * blockRows;
    const BlockSource source = {layer.codes.data() + row * in, layer.scales.data() + row * layer.groups,
                                layer.zeros.empty() ? nullptr : layer.zeros.data() + row * layer.groups};
    const PackResult result = packBlock(layer.packed, block, source);
    if (result != PackResult::packed) return result;
  }
  return PackResult::packed;
}

}  // namespace truth
