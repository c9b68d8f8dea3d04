// Odd shapes and every combination of codes, scales, zeros and accuracy: against f64, the same bits alone and in a batch,
// whole and in parts.
#include <algorithm>
#include <cstring>

#include "checks.h"

namespace checks {
namespace {

// Columns that share an activation scale with column i.
std::pair<int64_t, int64_t> scaleRange(const WeightShape& s, Accuracy accuracy, int64_t i) {
  if (accuracy == Accuracy::int8PerToken) return {0, s.inFeatures};
  if (accuracy == Accuracy::int8Per128 && (s.groupSize == 32 || s.groupSize == 64) && s.inFeatures % s.groupSize == 0) {
    return {i / 128 * 128, std::min(i / 128 * 128 + 128, s.inFeatures)};
  }
  const int64_t group = std::min(s.groupSize, s.inFeatures);
  const int64_t start = i / group * group, end = std::min(start + group, s.inFeatures);
  if (group <= 256) return {start, end};
  const int64_t piece = start + (i - start) / 128 * 128;
  return {piece, std::min(piece + 128, end)};
}

// Half a step of rounding the activation: the largest error that quantization may make.
double halfStep(const WeightShape& s, Accuracy accuracy, const float* x, int64_t i) {
  if (accuracy == Accuracy::exact) return 0;
  const auto [start, end] = scaleRange(s, accuracy, i);
  double amax = 0;
  for (int64_t k = start; k < end; k += 1) amax = std::max(amax, std::abs(static_cast<double>(x[k])));
  return 0.5 * amax / (accuracy == Accuracy::int16Planes ? 32512 : 127);
}

}  // namespace

void checkLayer(InstructionSet set, Layer& layer, Accuracy accuracy, const std::vector<float>& x, int64_t rows,
                std::mt19937& random, Report& report) {
  const WeightShape& s = layer.shape;
  const std::string what = describe(set, s, accuracy, rows);
  const std::vector<float> bias = gaussian(s.outFeatures, random);
  const std::vector<float> y = run(set, layer.packed, accuracy, x.data(), rows, bias.data());
  report.layers += 1;

  for (int64_t row = 0; row < rows; row += 1) {
    const float* values = x.data() + row * s.inFeatures;
    std::vector<double> steps(s.inFeatures);
    for (int64_t i = 0; i < s.inFeatures; i += 1) steps[i] = i > 0 && scaleRange(s, accuracy, i) == scaleRange(s, accuracy, i - 1) ? steps[i - 1] : halfStep(s, accuracy, values, i);
    for (int64_t o = 0; o < s.outFeatures; o += 1) {
      double sum = bias[o], magnitude = std::abs(bias[o]), quantization = 0;
      for (int64_t i = 0; i < s.inFeatures; i += 1) {
        const double w = layer.weight(o, i);
        sum += w * values[i];
        magnitude += layer.magnitude(o, i) * std::max(std::abs(static_cast<double>(values[i])), steps[i]);
        quantization += std::abs(w) * steps[i];
      }
      const double error = std::abs(y[row * s.outFeatures + o] - sum);
      if (accuracy == Accuracy::exact) report.worst = std::max(report.worst, error / magnitude);
      if (!report.check(error <= quantization * 1.001 + rounding * magnitude + 1e-44, what + " against f64")) return;
    }
  }

  const std::vector<float> plain = run(InstructionSet::plain, layer.packed, accuracy, x.data(), rows, bias.data());
  for (int64_t o = 0; o < rows * s.outFeatures; o += 1) {
    double magnitude = std::abs(bias[o % s.outFeatures]);
    const float* values = x.data() + o / s.outFeatures * s.inFeatures;
    for (int64_t i = 0; i < s.inFeatures; i += 1) magnitude += layer.magnitude(o % s.outFeatures, i) * std::abs(values[i]);
    if (!report.check(std::abs(static_cast<double>(y[o]) - plain[o]) <= 2 * rounding * magnitude + 1e-44, what + " against plain")) return;
  }

  for (int64_t row = 0; row < rows; row += 1) {
    const std::vector<float> alone = run(set, layer.packed, accuracy, x.data() + row * s.inFeatures, 1, bias.data());
    if (!report.check(sameBits(alone.data(), y.data() + row * s.outFeatures, s.outFeatures), what + ": a row alone")) return;
  }
  const std::vector<float> parts = run(set, layer.packed, accuracy, x.data(), rows, bias.data(), blockCount(s.outFeatures) / 2);
  report.check(sameBits(parts.data(), y.data(), y.size()), what + ": in two parts");
}

void shapes(InstructionSet set, std::mt19937& random, Report& report) {
  constexpr CodeType codes[] = {CodeType::u4, CodeType::i4, CodeType::u8, CodeType::i8, CodeType::f4e2m1, CodeType::f6e2m3,
                                CodeType::f6e3m2, CodeType::f8e4m3, CodeType::f8e4m3fnuz, CodeType::f8e5m2};
  struct Size {
    int64_t out, in, group;
  };
  constexpr Size sizes[] = {{1, 1, 1},     {33, 64, 16},   {64, 256, 32},  {31, 100, 20},   {70, 129, 128}, {40, 512, 64},
                            {16, 384, 128}, {48, 300, 300}, {32, 1000, 1000}, {5, 700, 350}, {17, 256, 256}, {97, 24, 7}};
  for (CodeType code : codes) {
    const bool integer = code <= CodeType::i8;
    for (const Size& size : sizes) {
      for (ZeroType zeros : {ZeroType::none, ZeroType::u8, ZeroType::f32}) {
        if (zeros != ZeroType::none && !integer) continue;
        WeightShape shape = {size.out, size.in, size.group, code, static_cast<ScaleType>(random() % 3), zeros,
                             random() % 2 ? 1.0f : 0.3f};
        Layer layer = randomLayer(shape, random);
        if (!report.check(pack(layer) == PackResult::packed, describe(set, shape, Accuracy::exact, 0) + " packs")) continue;
        for (Accuracy accuracy : allAccuracies) {
          if (!supportsAccuracy(shape, accuracy)) continue;
          const int64_t rows = 1 + static_cast<int64_t>(random() % (random() % 4 == 0 ? 85 : 14));
          checkLayer(set, layer, accuracy, gaussian(rows * size.in, random), rows, random, report);
        }
      }
    }
  }
}

}  // namespace checks
