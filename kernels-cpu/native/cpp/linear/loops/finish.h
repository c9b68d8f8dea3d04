// One tile's work, and its results on the way out: bias, exact sums in f64, the rows beyond the last output.
#pragma once
#include "../input-layout.h"
#include "scalar.h"

#define LOWBIT_UNROLL _Pragma("GCC unroll 8")

namespace lowbit {
namespace {

struct TileJob {
  const PackedLayout* layout;
  const WeightShape* shape;
  const uint8_t* block;
  const InputTile* tile;
  const LinearOutput* out;
  int64_t firstOutput;  // of the block
  int64_t firstRow;     // of the tile
  int64_t slice;        // which of the vectors of the block's 32 rows
};

// Stores one vector of outputs, `row` counted in the block.
template <class S>
inline void finish(const TileJob& job, typename S::F y, int64_t row, int64_t t) {
  const int64_t o = job.firstOutput + row;
  const int64_t left = job.shape->outFeatures - o;
  float* target = job.out->values + (job.firstRow + t) * job.out->stride + o;
  const float* bias = job.out->bias ? job.out->bias + o : nullptr;
  if (left >= S::lanes) {
    S::store(target, bias ? S::addF(y, S::loadF(bias)) : y);
    return;
  }
  float values[S::lanes];
  S::store(values, y);
  for (int64_t i = 0; i < left; i += 1) target[i] = bias ? values[i] + bias[i] : values[i];
}

// What exact sums of a slice are finished with, in f64.
template <int Rows>
struct ExactFinish {
  double scale[Rows], zero[Rows], rowSum[Rows], accumulatorBias[Rows], bias[Rows];
  int64_t rows;  // that exist

  template <class S>
  void load(const TileJob& job, int64_t row) {
    const WeightShape& shape = *job.shape;
    const int64_t o = job.firstOutput + row;
    const int64_t left = shape.outFeatures - o;
    const uint8_t* zeros = job.block + blockRows * scaleBytes(shape.scales);
    alignas(64) float scales[Rows], points[Rows];
    const typename S::F factor = S::set(shape.scaleFactor * integerUnit(shape.codes));
    const typename S::F constant = S::set(static_cast<float>(constantZero(shape.codes)));
    for (int r = 0; r < Rows; r += S::lanes) {
      S::store(scales + r, S::mul(S::loadScales(shape.scales, job.block, row + r), factor));
      S::store(points + r, shape.zeros == ZeroType::none ? constant : S::loadZeros(shape.zeros, zeros, row + r));
    }
    rows = left < Rows ? left : Rows;
    std::memcpy(rowSum, job.block + job.layout->tableBytes + row * 8, sizeof rowSum);
    for (int i = 0; i < Rows; i += 1) {
      scale[i] = static_cast<double>(scales[i]);
      zero[i] = static_cast<double>(points[i]);
      accumulatorBias[i] = job.out->accumulatorBias && i < rows ? job.out->accumulatorBias[o + i] : 0;
      bias[i] = job.out->bias && i < rows ? static_cast<double>(job.out->bias[o + i]) : 0;
    }
  }

  // y = (sum(code q) - zero sum(q) - inputZero rowSum + accumulatorBias) * inputScale * scale + bias
  void store(const TileJob& job, const int32_t* dots, int64_t row, int64_t t) const {
    const double total = job.tile->totals[t], inputZero = job.tile->zeros[t];
    const double inputScale = static_cast<double>(job.tile->scales[t]);
    float y[Rows];
    for (int i = 0; i < Rows; i += 1) {
      const double sum = dots[i] - zero[i] * total - inputZero * rowSum[i] + accumulatorBias[i];
      y[i] = static_cast<float>(sum * inputScale * scale[i] + bias[i]);
    }
    float* target = job.out->values + (job.firstRow + t) * job.out->stride + job.firstOutput + row;
    std::memcpy(target, y, static_cast<size_t>(rows) * 4);
  }
};

}  // namespace
}  // namespace lowbit
