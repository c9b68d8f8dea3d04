// Codes that the caller made. With one scale per row on both sides every bit is known.
#include <algorithm>
#include <cstring>

#include "checks.h"

namespace checks {
namespace {

struct Codes {
  std::vector<int16_t> codes;
  std::vector<float> scales;
  std::vector<int32_t> zeros;
};

Codes randomCodes(int64_t rows, int64_t in, int64_t scalesPerRow, std::mt19937& random) {
  Codes c;
  for (int64_t i = 0; i < rows * in; i += 1) c.codes.push_back(static_cast<int16_t>(static_cast<int>(random() % 256) - 128));
  for (int64_t i = 0; i < rows * scalesPerRow; i += 1) c.scales.push_back(std::ldexp(static_cast<float>(1 + random() % 1000), -12));
  for (int64_t i = 0; i < rows; i += 1) c.zeros.push_back(static_cast<int>(random() % 256) - 128);
  return c;
}

std::vector<float> runCodes(InstructionSet set, const PackedLinear& weight, Accuracy accuracy, const CodedInput& input,
                            int64_t rows, const float* bias, const double* accumulatorBias) {
  const LinearKernels& kernels = linearKernels(set);
  Prepared p = reserve(kernels, weight.shape, accuracy, rows);
  prepareCodes(kernels, p.input, input, 0, inputTiles(kernels, p.input.format, rows));
  std::vector<float> y(rows * weight.shape.outFeatures);
  forward(kernels, weight, p.input, {y.data(), weight.shape.outFeatures, bias, accumulatorBias}, 0,
          blockCount(weight.shape.outFeatures));
  return y;
}

}  // namespace

void quantizedActivations(InstructionSet set, std::mt19937& random, Report& report) {
  for (CodeType code : {CodeType::u4, CodeType::i4, CodeType::u8, CodeType::i8, CodeType::f4e2m1}) {
    for (ZeroType zeros : {ZeroType::none, ZeroType::u8}) {
      if (code == CodeType::f4e2m1 && zeros != ZeroType::none) continue;
      for (int64_t in : {64, 300, 1000}) {
        const int64_t out = 45, rows = 1 + static_cast<int64_t>(random() % 40);
        const WeightShape shape = {out, in, in, code, ScaleType::f32, zeros};
        Layer layer = randomLayer(shape, random);
        pack(layer);
        const Codes c = randomCodes(rows, in, 1, random);
        const std::vector<float> bias = gaussian(out, random);
        std::vector<double> accumulatorBias;
        for (int64_t o = 0; o < out; o += 1) accumulatorBias.push_back(static_cast<double>(static_cast<int>(random() % 1000000)) - 500000);
        const std::vector<float> y = runCodes(set, layer.packed, Accuracy::int8PerToken, {c.codes.data(), c.scales.data(), c.zeros.data()}, rows, bias.data(), accumulatorBias.data());
        report.layers += 1;
        const double unit = code == CodeType::f4e2m1 ? 0.5 : 1;
        for (int64_t row = 0; row < rows; row += 1) {
          for (int64_t o = 0; o < out; o += 1) {
            double sum = 0;
            for (int64_t i = 0; i < in; i += 1) sum += (c.codes[row * in + i] - c.zeros[row]) * (numberOf(code, layer.codes[o * in + i]) - (layer.zeros.empty() ? 0 : layer.zeros[o])) / unit;
            const float expected = static_cast<float>((sum + accumulatorBias[o]) * c.scales[row] * (layer.scales[o] * unit) + bias[o]);
            report.check(expected == y[row * out + o], describe(set, shape, Accuracy::int8PerToken, rows) + ": exact sums of codes");
          }
        }
      }
    }
    // Groups: int8 codes with a scale per group, and 16-bit codes with a zero point.
    for (Accuracy accuracy : {Accuracy::int8PerGroup, Accuracy::int16Planes, Accuracy::int8PerToken}) {
      const int64_t out = 45, in = 330, rows = 5 + static_cast<int64_t>(random() % 2) * 14;
      const WeightShape shape = {out, in, 64, code, ScaleType::f32, code == CodeType::u4 ? ZeroType::u8 : ZeroType::none};
      Layer layer = randomLayer(shape, random);
      pack(layer);
      const bool perGroup = accuracy == Accuracy::int8PerGroup, planes = accuracy == Accuracy::int16Planes;
      const Codes c = randomCodes(rows, in, perGroup ? 6 : 1, random);
      const std::vector<float> y = runCodes(set, layer.packed, accuracy, {c.codes.data(), c.scales.data(), planes ? c.zeros.data() : nullptr}, rows, nullptr, nullptr);
      report.layers += 1;
      for (int64_t row = 0; row < rows; row += 1) {
        for (int64_t o = 0; o < out; o += 1) {
          double sum = 0, magnitude = 0;
          for (int64_t i = 0; i < in; i += 1) {
            const double value = (c.codes[row * in + i] - (planes ? c.zeros[row] : 0)) * static_cast<double>(c.scales[perGroup ? row * 6 + i / 64 : row]);
            sum += value * layer.weight(o, i);
            magnitude += std::abs(value) * layer.magnitude(o, i);
          }
          report.check(std::abs(y[row * out + o] - sum) <= rounding * magnitude, describe(set, shape, accuracy, rows) + ": given codes");
        }
      }
    }
  }
}

}  // namespace checks
