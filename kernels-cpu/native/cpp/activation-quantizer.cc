#include "activation-quantizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowbit {
namespace {

bool sameType(const ElementType& a, const ElementType& b) {
  return a.kind == b.kind && a.bits == b.bits && a.exponentBits == b.exponentBits && a.bias == b.bias && a.specials == b.specials;
}

struct Range {
  double least, greatest;
};

Range rangeOf(const ElementType& type) {
  if (!type.isInteger()) return {0, 0};
  if (type.kind == ElementType::Kind::unsignedInteger) return {0, std::ldexp(1.0, type.bits) - 1};
  return {-std::ldexp(1.0, type.bits - 1), std::ldexp(1.0, type.bits - 1) - 1};
}

// NaN stays NaN.
double clamp(double value, Range range) {
  if (value < range.least) return range.least;
  return value > range.greatest ? range.greatest : value;
}

float roundScale(const ActivationQuantizer& quantizer, float scale) {
  if (!quantizer.scaleType) return scale;
  const ElementType& type = *quantizer.scaleType;
  const float global = quantizer.globalScale;
  if (quantizer.globalDivides) return static_cast<float>(roundToFloat(scale * global, type, Ties::even)) / global;
  return static_cast<float>(roundToFloat(scale / global, type, Ties::even)) * global;
}

struct ScaleAndZero {
  float scale, zero;
};

// NaN among the numbers makes the scale NaN.
float largestMagnitude(const float* x, int64_t count) {
  float largest = 0;
  for (int64_t i = 0; i < count; i += 1) {
    const float magnitude = std::fabs(x[i]);
    if (!(magnitude <= largest)) largest = magnitude;
    if (largest != largest) return largest;
  }
  return largest;
}

ScaleAndZero dynamicScale(const ActivationQuantizer& quantizer, const float* x, int64_t count) {
  if (quantizer.symmetric) {
    return {roundScale(quantizer, static_cast<float>(static_cast<double>(largestMagnitude(x, count)) / quantizer.divisor)), 0};
  }
  // The range always includes zero, so that zero has a code.
  float least = 0, greatest = 0;
  for (int64_t i = 0; i < count; i += 1) {
    if (std::isnan(x[i])) return {x[i], x[i]};
    least = std::min(least, x[i]);
    greatest = std::max(greatest, x[i]);
  }
  const float range = greatest - least;
  const float scale = roundScale(quantizer, static_cast<float>(static_cast<double>(range) / quantizer.divisor));
  if (scale == 0) return {0, 0};
  const Range codes = rangeOf(quantizer.type);
  const float below = static_cast<float>(codes.least - static_cast<double>(least / scale));
  return {scale, static_cast<float>(clamp(roundInteger(below, Ties::even), codes))};
}

double codeOf(const ActivationQuantizer& quantizer, float quotient, float zero, Range codes) {
  if (!quantizer.type.isInteger()) return roundToFloat(quotient, quantizer.type, quantizer.ties);
  if (quantizer.zeroFirst) return clamp(roundInteger(quotient + zero, quantizer.ties), codes);
  return clamp(roundInteger(quotient, quantizer.ties) + static_cast<double>(zero), codes);
}

}  // namespace

void ActivationQuantizer::quantizeRow(const float* x, int64_t features, float* codes, float* rowScales, float* rowZeros) const {
  const Range range = rangeOf(type);
  for (int64_t group = 0; group * groupSize < features; group += 1) {
    const int64_t first = group * groupSize, last = std::min(first + groupSize, features);
    const auto [scale, zero] = scales.empty()
                                   ? dynamicScale(*this, x + first, last - first)
                                   : ScaleAndZero{scales[static_cast<size_t>(group)],
                                                  zeros.empty() ? 0.0f : zeros[static_cast<size_t>(group)]};
    rowScales[group] = scale;
    rowZeros[group] = zero;
    const float inverse = 1.0f / scale;
    for (int64_t i = first; i < last; i += 1) {
      // A scale of zero covers nothing but numbers too small for it, and zero itself.
      const float quotient = scale == 0 ? 0.0f : reciprocal ? x[i] * inverse : x[i] / scale;
      codes[i] = static_cast<float>(codeOf(*this, quotient, zero, range));
    }
  }
}

void ActivationQuantizer::dequantizeRow(const float* codes, const float* rowScales, const float* rowZeros, int64_t features,
                                        float* out) const {
  for (int64_t i = 0; i < features; i += 1) {
    const int64_t group = i / groupSize;
    const double above = static_cast<double>(codes[i]) - static_cast<double>(rowZeros[group]);
    out[i] = static_cast<float>(above * static_cast<double>(rowScales[group]));
  }
}

bool operator==(const ActivationQuantizer& a, const ActivationQuantizer& b) {
  return sameType(a.type, b.type) && a.groupSize == b.groupSize && a.ties == b.ties && a.zeroFirst == b.zeroFirst &&
         a.reciprocal == b.reciprocal && a.scales == b.scales && a.zeros == b.zeros && a.symmetric == b.symmetric &&
         a.divisor == b.divisor && a.scaleType.has_value() == b.scaleType.has_value() &&
         (!a.scaleType || sameType(*a.scaleType, *b.scaleType)) && a.globalScale == b.globalScale &&
         a.globalDivides == b.globalDivides;
}

}  // namespace lowbit
