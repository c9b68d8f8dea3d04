// How a scheme quantizes the input of a linear: the same codes as the reference backend, bit for bit.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "element-type.h"

namespace lowbit {

struct ActivationQuantizer {
  ElementType type{ElementType::Kind::signedInteger, 8};
  int64_t groupSize = 0;  // features that share a scale
  Ties ties = Ties::even;
  bool zeroFirst = false;   // the zero point is added before rounding
  bool reciprocal = false;  // times (1 / scale) instead of divided by it

  // Static: one of each per group. Empty: dynamic.
  std::vector<float> scales, zeros;

  // Dynamic.
  bool symmetric = true;
  double divisor = 0;
  std::optional<ElementType> scaleType;
  float globalScale = 1;
  bool globalDivides = false;

  int64_t groupsOf(int64_t features) const { return (features + groupSize - 1) / groupSize; }

  // One row: codes[features], scales and zeros [groups].
  void quantizeRow(const float* x, int64_t features, float* codes, float* scales, float* zeros) const;
  // (code - zero) * scale. `codes` may be `out`.
  void dequantizeRow(const float* codes, const float* scales, const float* zeros, int64_t features, float* out) const;
};

bool operator==(const ActivationQuantizer&, const ActivationQuantizer&);

}  // namespace lowbit
