// Weights as they lie, f32, f16 or bf16, row-major: lanes are neighbouring columns of one output row.
//
// A tile is T rows of the input times up to R output rows; each of the T x R dot products is one vector of partial sums,
// added up at the end in one order. The last columns are read up to the last one, not beyond.
#pragma once
#include "finish.h"

namespace lowbit {
namespace {

template <class S, DenseType Type, int R, int T>
void denseTile(const uint8_t* weights, int64_t rowBytes, const float* x, int64_t xStride, int64_t columns, float* y,
               int64_t yStride, const float* bias) {
  using F = typename S::F;
  constexpr int64_t width = Type == DenseType::f32 ? 4 : 2;
  F sums[R][T];
  for (int r = 0; r < R; r += 1) {
    for (int t = 0; t < T; t += 1) sums[r][t] = S::zero();
  }
  int64_t k = 0;
  for (; k + S::lanes <= columns; k += S::lanes) {
    F values[T];
    LOWBIT_UNROLL for (int t = 0; t < T; t += 1) values[t] = S::loadF(x + t * xStride + k);
    LOWBIT_UNROLL for (int r = 0; r < R; r += 1) {
      const uint8_t* place = weights + r * rowBytes + k * width;
      S::prefetch(place + 1024, 64);
      const F weight = S::template loadDense<Type>(place);
      LOWBIT_UNROLL for (int t = 0; t < T; t += 1) sums[r][t] = S::mulAdd(weight, values[t], sums[r][t]);
    }
  }
  if (k < columns) {
    const size_t left = static_cast<size_t>(columns - k);
    alignas(64) float tail[S::lanes] = {};
    F values[T];
    for (int t = 0; t < T; t += 1) {
      std::memcpy(tail, x + t * xStride + k, left * 4);
      values[t] = S::loadF(tail);
    }
    for (int r = 0; r < R; r += 1) {
      alignas(64) uint8_t bytes[S::lanes * width] = {};
      std::memcpy(bytes, weights + r * rowBytes + k * width, left * width);
      const F weight = S::template loadDense<Type>(bytes);
      for (int t = 0; t < T; t += 1) sums[r][t] = S::mulAdd(weight, values[t], sums[r][t]);
    }
  }
  for (int r = 0; r < R; r += 1) {
    for (int t = 0; t < T; t += 1) {
      const float sum = S::sumOf(sums[r][t]);
      y[t * yStride + r] = bias ? sum + bias[r] : sum;
    }
  }
}

template <class S, DenseType Type, int R>
void denseRows(const DenseLinear& weight, const float* x, int64_t xStride, int64_t rows, const LinearOutput& out, int64_t o) {
  const int64_t rowBytes = weight.inFeatures * (Type == DenseType::f32 ? 4 : 2);
  const uint8_t* weights = static_cast<const uint8_t*>(weight.data) + o * rowBytes;
  const float* bias = out.bias ? out.bias + o : nullptr;
  int64_t row = 0;
  const auto run = [&](auto tile, int64_t count) {
    tile(weights, rowBytes, x + row * xStride, xStride, weight.inFeatures, out.values + row * out.stride + o, out.stride, bias);
    row += count;
  };
  while (rows - row >= S::denseRows) run(denseTile<S, Type, R, S::denseRows>, S::denseRows);
  while (rows - row >= 2) run(denseTile<S, Type, R, 2>, 2);
  if (row < rows) run(denseTile<S, Type, R, 1>, 1);
}

template <class S, DenseType Type>
void denseBlocks(const DenseLinear& weight, const float* x, int64_t xStride, int64_t rows, const LinearOutput& out,
                 int64_t firstBlock, int64_t lastBlock) {
  const int64_t end = lastBlock * blockRows < weight.outFeatures ? lastBlock * blockRows : weight.outFeatures;
  int64_t o = firstBlock * blockRows;
  for (; o + 4 <= end; o += 4) denseRows<S, Type, 4>(weight, x, xStride, rows, out, o);
  for (; o < end; o += 1) denseRows<S, Type, 1>(weight, x, xStride, rows, out, o);
}

template <class S>
void forwardDenseWith(const DenseLinear& weight, const float* x, int64_t xStride, int64_t rows, const LinearOutput& out,
                      int64_t firstBlock, int64_t lastBlock) {
  if (weight.type == DenseType::f32) return denseBlocks<S, DenseType::f32>(weight, x, xStride, rows, out, firstBlock, lastBlock);
  if (weight.type == DenseType::f16) return denseBlocks<S, DenseType::f16>(weight, x, xStride, rows, out, firstBlock, lastBlock);
  denseBlocks<S, DenseType::bf16>(weight, x, xStride, rows, out, firstBlock, lastBlock);
}

}  // namespace
}  // namespace lowbit
