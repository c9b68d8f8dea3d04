// Codes of activations: in range, the nearest ones, and what scales become of hard inputs.
#include <algorithm>

#include "checks.h"

namespace checks {
namespace {

struct Quantized {
  Numbers codes, scales, zeros;
};

Quantized quantize(const ActivationQuantizer& quantizer, const Numbers& x) {
  const auto features = static_cast<int64_t>(x.size());
  const auto groups = static_cast<size_t>(quantizer.groupsOf(features));
  Quantized q{Numbers(x.size(), -1e9f), Numbers(groups, -1e9f), Numbers(groups, -1e9f)};
  quantizer.quantizeRow(x.data(), features, q.codes.data(), q.scales.data(), q.zeros.data());
  return q;
}

// The largest step between neighbouring codes, as a part of the number, or whole steps of integers.
double halfStepOf(const ElementType& type, double quotient) {
  if (type.isInteger()) return 0.5;
  const double smallestNumber = std::ldexp(1.0, 1 - type.bias - type.mantissaBits);
  return std::max(std::abs(quotient) * std::ldexp(0.5, -type.mantissaBits), 0.5 * smallestNumber);
}

struct Kind {
  const char* type;
  bool symmetric;
  double divisor;
};

void checkRow(const Kind& kind, int64_t groupSize, const HardInput& input, int64_t features, std::mt19937& random, Report& report) {
  ActivationQuantizer quantizer;
  quantizer.type = parseElementType(kind.type);
  quantizer.groupSize = groupSize;
  quantizer.symmetric = kind.symmetric;
  quantizer.divisor = kind.divisor;
  const Numbers x = input.make(features, random);
  const Quantized q = quantize(quantizer, x);
  const std::string title = std::string("quantizer of ") + kind.type + (kind.symmetric ? ", " : " with zero points, ") + input.name + ", " +
                            std::to_string(features) + " in groups of " + std::to_string(groupSize);
  const ElementType& type = quantizer.type;
  const double least = type.kind == ElementType::Kind::unsignedInteger ? 0 : -std::ldexp(1.0, type.bits - 1);
  const double greatest = type.kind == ElementType::Kind::unsignedInteger ? std::ldexp(1.0, type.bits) - 1 : std::ldexp(1.0, type.bits - 1) - 1;

  Numbers back(x.size());
  quantizer.dequantizeRow(q.codes.data(), q.scales.data(), q.zeros.data(), features, back.data());
  for (int64_t i = 0; i < features; i += 1) {
    const auto at = static_cast<size_t>(i);
    const int64_t first = i / groupSize * groupSize, last = std::min(first + groupSize, features);
    const auto begin = x.begin() + first, end = x.begin() + last;
    const double scale = q.scales[static_cast<size_t>(i / groupSize)], zero = q.zeros[static_cast<size_t>(i / groupSize)];
    const std::string where = title + ": number " + std::to_string(i) + ", " + std::to_string(x[at]) + " as " + std::to_string(back[at]);
    if (std::any_of(begin, end, [](float v) { return std::isnan(v); })) {
      if (!report.check(std::isnan(scale) && std::isnan(back[at]), where + ": NaN in its group")) return;
      continue;
    }
    if (std::any_of(begin, end, [](float v) { return std::isinf(v); })) {
      if (!report.check(!std::isfinite(scale), where + ": infinity in its group")) return;
      continue;
    }
    double lower = 0, upper = 0;
    for (auto v = begin; v != end; ++v) {
      lower = std::min(lower, static_cast<double>(*v));
      upper = std::max(upper, static_cast<double>(*v));
    }
    const double range = kind.symmetric ? std::max(-lower, upper) : static_cast<double>(static_cast<float>(upper) - static_cast<float>(lower));
    if (!std::isfinite(range)) {
      if (!report.check(std::isinf(scale), where + ": a range beyond f32")) return;
      continue;
    }
    if (!report.check(scale == static_cast<double>(static_cast<float>(range / kind.divisor)), where + ": the scale")) return;
    if (type.isInteger() && !report.check(q.codes[at] >= least && q.codes[at] <= greatest && q.codes[at] == std::nearbyint(q.codes[at]), where + ": a code in range")) return;
    if (scale == 0) {
      if (!report.check(back[at] == 0, where + ": a scale of zero covers zero")) return;
      continue;
    }
    // A subnormal scale is off by up to half of it: the codes at the end of the range then do not reach it.
    const double scaleDoubt = scale < std::ldexp(1.0, -126) ? std::max(0.0, range - scale * kind.divisor) : 0;
    const double quotient = x[at] / scale;
    // The zero point is rounded too; the division and the product are f32.
    const double steps = halfStepOf(type, quotient) + (kind.symmetric ? 0 : 0.5) + 4 * epsilon * (std::abs(quotient) + std::abs(zero));
    const double number = (q.codes[at] - zero) * scale;  // at the end of f32, perhaps just beyond it
    if (!report.check(close(back[at], number, 0), where + ": its number")) return;
    if (!report.check(std::abs(number - static_cast<double>(x[at])) <= steps * scale + scaleDoubt + smallest, where + ": the nearest code")) return;
  }
}

}  // namespace

void quantizers(std::mt19937& random, Report& report) {
  for (const Kind& kind : {Kind{"i8", true, 127}, {"i8", false, 255}, {"u8", false, 255}, {"i4", true, 7}, {"f8e4m3", true, 448}, {"f4e2m1", true, 6}}) {
    for (const int64_t groupSize : {1, 7, 16, 32, 128, 1000}) {
      for (const int64_t features : {1, 16, 33, 260, 1000}) {
        if (groupSize > features && groupSize != 1000) continue;
        for (const HardInput& input : hardInputs()) checkRow(kind, groupSize, input, features, random, report);
      }
    }
  }
}

}  // namespace checks
