// The loops behind operation-kernels.h. Each instruction set includes this file once, compiled with its own flags.
#pragma once
#include <cmath>
#include <type_traits>

#include "operation-kernels.h"
#include "vectors.h"

#define LOWBIT_UNROLL _Pragma("GCC unroll 8")

namespace lowbit {
namespace {

void rmsNorm(const float* x, int64_t size, const float* weight, const float* bias, double epsilon, float* out) {
  F64x16 squares = {};
  for (int64_t i = 0; i < size; i += lanes) {
    const F64x16 v = widen(loadPart(x + i, size - i));
    squares += v * v;
  }
  const auto mean = static_cast<float>(sum(squares) / static_cast<double>(size));
  const F32x16 factor = splat(static_cast<float>(1.0 / std::sqrt(static_cast<double>(mean) + epsilon)));
  for (int64_t i = 0; i < size; i += lanes) {
    F32x16 v = (loadPart(x + i, size - i) * factor) * loadPart(weight + i, size - i);
    if (bias) v += loadPart(bias + i, size - i);
    storePart(out + i, v, size - i);
  }
}

void siluMul(const float* gate, const float* up, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += lanes) {
    const F32x16 g = loadPart(gate + i, count - i);
    const F32x16 silu = g / (splat(1.0f) + exponential(-g));
    storePart(out + i, silu * loadPart(up + i, count - i), count - i);
  }
}

void add(const float* left, const float* right, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += lanes) {
    storePart(out + i, loadPart(left + i, count - i) + loadPart(right + i, count - i), count - i);
  }
}

// The elements of one head of one token as numbers. f32 elements are given back as they lie.
const float* readElements(const CacheElements& cache, int64_t slot, int64_t kvHead, int64_t kvHeads, float* buffer) {
  const int64_t size = cache.headSize, start = (slot * kvHeads + kvHead) * size;
  switch (cache.type) {
    case CacheType::f32:
      return reinterpret_cast<const float*>(cache.data) + start;
    case CacheType::f16:
    case CacheType::bf16: {
      const uint16_t* elements = reinterpret_cast<const uint16_t*>(cache.data) + start;
      for (int64_t i = 0; i < size; i += lanes) {
        const U16x16 v = load16(elements + i, size - i);
        storePart(buffer + i, cache.type == CacheType::f16 ? fromF16(v) : fromBf16(v), size - i);
      }
      break;
    }
    default:
      for (int64_t i = 0; i < size; i += 1) buffer[i] = cache.decoded[cache.data[start + i]];
  }
  const int64_t feature = kvHead * size;
  if (cache.zeros) {
    for (int64_t i = 0; i < size; i += 1) buffer[i] -= cache.zeros[feature + i];
  }
  if (cache.scales) {
    for (int64_t i = 0; i < size; i += 1) buffer[i] *= cache.scales[feature + i];
  }
  return buffer;
}

// columns[feature * lanes + row] = rows[row][feature], zero for rows from `count` on.
void transposeRows(const float* const* rows, int64_t count, int64_t size, float* columns) {
  for (int64_t i = 0; i < size; i += lanes) {
    F32x16 block[lanes];
    for (int64_t row = 0; row < lanes; row += 1) block[row] = row < count ? loadPart(rows[row] + i, size - i) : F32x16{};
    transpose(block);
    for (int64_t feature = 0; feature < lanes; feature += 1) storePart(columns + (i + feature) * lanes, block[feature], lanes);
  }
}

// Attention adds up in f32, or, where the numbers of the model must be those of the oracle, in f64: a softmax over many
// positions, and codes that activations are rounded to afterwards, turn on the last bits.
struct InF32 {
  using Sum = F32x16;
  static constexpr int64_t heads = 4, chains = 2;  // that registers hold at once
  static Sum of(F32x16 v) { return v; }
  static Sum mulAdd(Sum a, Sum b, Sum c) { return lowbit::mulAdd(a, b, c); }
  static F32x16 round(Sum v) { return v; }
  static F32x16 exponentialOf(F32x16 v) { return exponential<true>(v); }
  static void divide(float* numbers, int64_t count, float by) {
    const F32x16 inverse = splat(1 / by);
    for (int64_t i = 0; i < count; i += lanes) storePart(numbers + i, loadPart(numbers + i, count - i) * inverse, count - i);
  }
};
struct InF64 {
  using Sum = F64x16;
  static constexpr int64_t heads = 1, chains = 4;
  static Sum of(F32x16 v) { return widen(v); }
  static Sum mulAdd(Sum a, Sum b, Sum c) { return c + a * b; }
  static F32x16 round(Sum v) { return narrow(v); }
  static F32x16 exponentialOf(F32x16 v) { return exactExponential(v); }
  static void divide(float* numbers, int64_t count, double by) {
    for (int64_t i = 0; i < count; i += lanes) {
      storePart(numbers + i, narrow(widen(loadPart(numbers + i, count - i)) / (by - F64x16{})), count - i);
    }
  }
};

// Calls f with how many heads to take at once, up to `most`, as a constant, and the first of them; in parts of about equal size.
template <int64_t most, typename F>
void forEachHeads(int64_t heads, F f) {
  for (int64_t first = 0; first < heads;) {
    const int64_t left = heads - first, parts = (left + most - 1) / most, now = (left + parts - 1) / parts;
    if constexpr (most >= 4) {
      if (now == 4) f(std::integral_constant<int64_t, 4>{}, first);
      if (now == 3) f(std::integral_constant<int64_t, 3>{}, first);
      if (now == 2) f(std::integral_constant<int64_t, 2>{}, first);
    }
    if (now == 1) f(std::integral_constant<int64_t, 1>{}, first);
    first += now;
  }
}

// Products of some heads of one row with as many positions as there are lanes, whose keys are columns here: no sum across
// lanes is needed, and a column is read once for all heads.
template <typename In, int64_t heads>
void dots(const float* x, const float* columns, int64_t size, F32x16 (&out)[heads]) {
  typename In::Sum sums[heads][In::chains] = {};
  int64_t i = 0;
  for (; i + In::chains <= size; i += In::chains) {
    LOWBIT_UNROLL for (int64_t chain = 0; chain < In::chains; chain += 1) {
      const auto column = In::of(load(columns + (i + chain) * lanes));
      LOWBIT_UNROLL for (int64_t head = 0; head < heads; head += 1) {
        sums[head][chain] = In::mulAdd(In::of(splat(x[head * size + i + chain])), column, sums[head][chain]);
      }
    }
  }
  for (; i < size; i += 1) {
    for (int64_t head = 0; head < heads; head += 1) {
      sums[head][0] = In::mulAdd(In::of(splat(x[head * size + i])), In::of(load(columns + i * lanes)), sums[head][0]);
    }
  }
  for (int64_t head = 0; head < heads; head += 1) {
    auto all = sums[head][0] + sums[head][1];
    if constexpr (In::chains == 4) all += sums[head][2] + sums[head][3];
    out[head] = In::round(all);
  }
}

// Of some heads: sums += weights[0] * rows[0] + weights[1] * rows[1] + ..., in this order; four vectors of sums of each head stay
// in registers, and a row is read once for all heads.
template <typename In, int64_t heads>
void addWeighted(const float* weights, int64_t weightStride, const float* const* rows, int64_t count, int64_t size, float* sums) {
  constexpr int64_t vectors = 4;
  int64_t i = 0;
  for (; i + vectors * lanes <= size; i += vectors * lanes) {
    typename In::Sum all[heads][vectors];
    for (int64_t head = 0; head < heads; head += 1) {
      for (int64_t j = 0; j < vectors; j += 1) all[head][j] = In::of(load(sums + head * size + i + j * lanes));
    }
    for (int64_t row = 0; row < count; row += 1) {
      F32x16 values[vectors];
      LOWBIT_UNROLL for (int64_t j = 0; j < vectors; j += 1) values[j] = load(rows[row] + i + j * lanes);
      LOWBIT_UNROLL for (int64_t head = 0; head < heads; head += 1) {
        const auto weight = In::of(splat(weights[head * weightStride + row]));
        LOWBIT_UNROLL for (int64_t j = 0; j < vectors; j += 1) all[head][j] = In::mulAdd(weight, In::of(values[j]), all[head][j]);
      }
    }
    for (int64_t head = 0; head < heads; head += 1) {
      for (int64_t j = 0; j < vectors; j += 1) storePart(sums + head * size + i + j * lanes, In::round(all[head][j]), lanes);
    }
  }
  for (; i < size; i += lanes) {
    for (int64_t head = 0; head < heads; head += 1) {
      float* target = sums + head * size + i;
      auto all = In::of(loadPart(target, size - i));
      for (int64_t row = 0; row < count; row += 1) {
        all = In::mulAdd(In::of(splat(weights[head * weightStride + row])), In::of(loadPart(rows[row] + i, size - i)), all);
      }
      storePart(target, In::round(all), size - i);
    }
  }
}

template <typename In>
void softmax(float* scores, int64_t count) {
  F32x16 largest = splat(-INFINITY);
  for (int64_t i = 0; i < count; i += lanes) {
    F32x16 v = loadPart(scores + i, count - i);
    for (int64_t lane = count - i; lane < lanes; lane += 1) v[lane] = -INFINITY;
    largest = v > largest ? v : largest;
  }
  float most = largest[0];
  for (int64_t lane = 1; lane < lanes; lane += 1) most = largest[lane] > most ? largest[lane] : most;
  typename In::Sum sums = {};
  for (int64_t i = 0; i < count; i += lanes) {
    F32x16 v = In::exponentialOf(loadPart(scores + i, count - i) - splat(most));
    for (int64_t lane = count - i; lane < lanes; lane += 1) v[lane] = 0;
    sums += In::of(v);
    storePart(scores + i, v, count - i);
  }
  In::divide(scores, count, sum(sums));
}

// Keys and values are read once for all rows and heads of the tile, `positionsAtOnce` at a time. A row's sums run over its
// positions in order, whatever tile it is in.
template <typename In>
void attend(const AttentionTile& tile) {
  const int64_t length = tile.firstPosition + tile.rows;
  const int64_t keySize = tile.keys.headSize, valueSize = tile.values.headSize;
  const int64_t bufferSize = positionsAtOnce * ((keySize > valueSize ? keySize : valueSize) + lanes);
  float *buffer = tile.scratch, *columns = buffer + bufferSize, *scores = columns + bufferSize;
  const auto firstOf = [&](int64_t row) {
    const int64_t first = tile.firstPosition + row + 1 - tile.slidingWindow;
    return tile.slidingWindow > 0 && first > 0 ? first : int64_t{0};
  };
  // Blocks begin at multiples of their size: where sums are rounded between them does not depend on the rows of the tile.
  const int64_t start = firstOf(0) / positionsAtOnce * positionsAtOnce, stride = length - start;

  // The elements of each block of positions, then for each row and head the part [from, to) of the block that it sees.
  const auto forEachBlock = [&](const CacheElements& cache, auto prepare, auto use) {
    for (int64_t block = start; block < length; block += positionsAtOnce) {
      const int64_t count = length - block < positionsAtOnce ? length - block : positionsAtOnce;
      const float* elements[positionsAtOnce];
      for (int64_t i = 0; i < count; i += 1) {
        const int64_t position = block + i;
        const int64_t slot = tile.blocks[position / tile.blockSize] * tile.blockSize + position % tile.blockSize;
        elements[i] = readElements(cache, slot, tile.kvHead, tile.kvHeads, buffer + i * cache.headSize);
      }
      prepare(elements, count);
      for (int64_t row = 0; row < tile.rows; row += 1) {
        const int64_t from = firstOf(row) > block ? firstOf(row) - block : 0;
        const int64_t seen = tile.firstPosition + row + 1 - block, to = seen < count ? seen : count;
        if (from >= to) continue;
        forEachHeads<In::heads>(tile.heads, [&](auto heads, int64_t head) {
          use(heads, row, head, scores + (row * tile.heads + head) * stride + block - start, elements, from, to);
        });
      }
    }
  };

  forEachBlock(
      tile.keys, [&](const float* const* keys, int64_t count) { transposeRows(keys, count, keySize, columns); },
      [&](auto heads, int64_t row, int64_t head, float* blockScores, const float* const*, int64_t from, int64_t to) {
        F32x16 all[heads];
        dots<In, heads>(tile.query + row * tile.queryStride + head * keySize, columns, keySize, all);
        for (int64_t h = 0; h < heads; h += 1) {
          const F32x16 scaled = all[h] * splat(tile.scale);
          if (to - from == lanes) storePart(blockScores + h * stride, scaled, lanes);
          else for (int64_t i = from; i < to; i += 1) blockScores[h * stride + i] = scaled[i];
        }
      });
  for (int64_t row = 0; row < tile.rows; row += 1) {
    for (int64_t head = 0; head < tile.heads; head += 1) {
      softmax<In>(scores + (row * tile.heads + head) * stride + firstOf(row) - start, tile.firstPosition + row + 1 - firstOf(row));
      float* out = tile.output + row * tile.outputStride + head * valueSize;
      for (int64_t i = 0; i < valueSize; i += 1) out[i] = 0;
    }
  }
  forEachBlock(
      tile.values, [](const float* const*, int64_t) {},
      [&](auto heads, int64_t row, int64_t head, const float* weights, const float* const* values, int64_t from, int64_t to) {
        float* sums = tile.output + row * tile.outputStride + head * valueSize;
        addWeighted<In, heads>(weights + from, stride, values + from, to - from, valueSize, sums);
      });
}

constexpr OperationKernels operations = {rmsNorm, siluMul, add, attend<InF32>, attend<InF64>};

}  // namespace
}  // namespace lowbit
