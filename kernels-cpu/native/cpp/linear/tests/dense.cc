// Dense weights, at addresses aligned to nothing but their own size.
#include <algorithm>
#include <cstring>

#include "checks.h"

namespace checks {
namespace {

uint16_t halfOf(DenseType type, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  if (type == DenseType::bf16) return static_cast<uint16_t>(bits >> 16);
  // value is a small multiple of 2^-8: normal, and exact.
  if (value == 0) return 0;
  return static_cast<uint16_t>((bits >> 16 & 0x8000) | (((bits & 0x7fffffff) - 0x38000000) >> 13));
}

}  // namespace

void dense(InstructionSet set, std::mt19937& random, Report& report) {
  struct Size {
    int64_t out, in;
  };
  for (DenseType type : {DenseType::f32, DenseType::f16, DenseType::bf16}) {
    for (const Size& size : {Size{1, 1}, {33, 64}, {64, 15}, {70, 130}, {31, 1000}, {5, 2047}}) {
      const int64_t width = type == DenseType::f32 ? 4 : 2, rows = 1 + static_cast<int64_t>(random() % 11);
      auto memory = aligned(size.out * size.in * width + width);
      uint8_t* data = memory.get() + width;
      std::vector<float> weights(size.out * size.in);
      for (size_t i = 0; i < weights.size(); i += 1) {
        weights[i] = static_cast<float>(static_cast<int>(random() % 255) - 127) / 256;
        const uint16_t half = halfOf(type, weights[i]);
        std::memcpy(data + i * width, width == 4 ? static_cast<const void*>(&weights[i]) : &half, width);
      }
      const std::vector<float> x = gaussian(rows * size.in, random), bias = gaussian(size.out, random);
      const DenseLinear layer = {size.out, size.in, type, data};
      std::vector<float> y(rows * size.out), alone(size.out);
      const int64_t blocks = blockCount(size.out);
      forwardDense(linearKernels(set), layer, x.data(), size.in, rows, {y.data(), size.out, bias.data(), nullptr}, 0, blocks);
      report.layers += 1;
      for (int64_t row = 0; row < rows; row += 1) {
        for (int64_t o = 0; o < size.out; o += 1) {
          double sum = bias[o], magnitude = std::abs(bias[o]);
          for (int64_t i = 0; i < size.in; i += 1) {
            sum += static_cast<double>(weights[o * size.in + i]) * x[row * size.in + i];
            magnitude += std::abs(static_cast<double>(weights[o * size.in + i]) * x[row * size.in + i]);
          }
          report.check(std::abs(y[row * size.out + o] - sum) <= rounding * magnitude, std::string(nameOf(set)) + " dense against f64");
        }
        forwardDense(linearKernels(set), layer, x.data() + row * size.in, size.in, 1, {alone.data(), size.out, bias.data(), nullptr}, 0, blocks);
        report.check(sameBits(alone.data(), y.data() + row * size.out, size.out), std::string(nameOf(set)) + " dense: a row alone");
      }
    }
  }
}

}  // namespace checks
