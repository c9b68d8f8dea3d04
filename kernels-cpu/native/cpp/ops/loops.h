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

// Elements that lie together as numbers.
void decode(const CacheElements& cache, int64_t first, int64_t count, float* out) {
  const uint8_t* start = cache.data + first * cache.elementBytes;
  const auto each = [&](auto elements, auto numberOf) {
    for (int64_t i = 0; i < count; i += lanes) storePart(out + i, numberOf(elements + i, count - i), count - i);
  };
  switch (cache.type) {
    case CacheType::f32:
      return each(reinterpret_cast<const float*>(start), loadPart);
    case CacheType::f16:
      return each(reinterpret_cast<const uint16_t*>(start), [](const uint16_t* p, int64_t left) { return fromF16(load16(p, left)); });
    case CacheType::bf16:
      return each(reinterpret_cast<const uint16_t*>(start), [](const uint16_t* p, int64_t left) { return fromBf16(load16(p, left)); });
    default:
      for (int64_t i = 0; i < count; i += 1) out[i] = cache.decoded[start[i]];
  }
}

// Numbers of one head at up to sixteen positions from a multiple of sixteen on, whose slots `slotOf` tells; keys as [headSize][16], values
// as [16][headSize]. Beyond the positions lies whatever the group holds. f32 elements are given back as they lie.
template <bool isKey, typename SlotOf>
const float* readNumbers(const CacheElements& cache, int64_t kvHead, int64_t first, int64_t count, SlotOf slotOf, float* numbers, float* spare) {
  const int64_t size = cache.headSize, group = cache.group, feature = kvHead * size;
  const bool plain = !cache.scales && !cache.zeros;
  if (plain && group == lanes && cache.type == CacheType::f32) {
    return reinterpret_cast<const float*>(cache.data) + cache.groupStart(slotOf(first), kvHead);
  }
  for (int64_t i = 0; i < count; i += group) {
    const int64_t start = cache.groupStart(slotOf(first + i), kvHead);
    if (!isKey || group == lanes) {
      decode(cache, start, group * size, numbers + i * size);
      continue;
    }
    decode(cache, start, group * size, spare);
    for (int64_t f = 0; f < size; f += 1) std::memcpy(numbers + f * lanes + i, spare + f * group, static_cast<size_t>(group) * sizeof(float));
  }
  if (plain) return numbers;
  for (int64_t f = 0; f < size; f += 1) {
    const float zero = cache.zeros ? cache.zeros[feature + f] : 0.0f, scale = cache.scales ? cache.scales[feature + f] : 1.0f;
    for (int64_t i = 0; i < lanes; i += 1) {
      float& number = numbers[isKey ? f * lanes + i : i * size + f];
      number = (number - zero) * scale;
    }
  }
  return numbers;
}

// Numbers, or elements as they lie, by sixteen; `count` of them from `at` on.
struct Numbers {
  const float* start;
  F32x16 operator()(int64_t at, int64_t count = lanes) const { return loadPart(start + at, count); }
};
struct Halves {
  const uint16_t* start;
  F32x16 operator()(int64_t at, int64_t count = lanes) const { return fromF16(load16(start + at, count)); }
};

// Attention adds up in f32, or, where the numbers of the model must be those of the oracle, in f64: a softmax over many
// positions, and codes that activations are rounded to afterwards, turn on the last bits.
struct InF32 {
  using Sum = F32x16;
#if defined(__AVX512F__)
  static constexpr int64_t heads = 6;  // whose sums registers hold at once
#else
  static constexpr int64_t heads = 4;
#endif
  static constexpr int64_t chains = 2;
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
    if constexpr (most >= 6) {
      if (now == 6) f(std::integral_constant<int64_t, 6>{}, first);
      if (now == 5) f(std::integral_constant<int64_t, 5>{}, first);
    }
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
template <typename In, int64_t heads, typename Source>
void dots(const float* x, Source columns, int64_t size, F32x16 (&out)[heads]) {
  typename In::Sum sums[heads][In::chains] = {};
  int64_t i = 0;
  for (; i + In::chains <= size; i += In::chains) {
    LOWBIT_UNROLL for (int64_t chain = 0; chain < In::chains; chain += 1) {
      const auto column = In::of(columns((i + chain) * lanes));
      LOWBIT_UNROLL for (int64_t head = 0; head < heads; head += 1) {
        sums[head][chain] = In::mulAdd(In::of(splat(x[head * size + i + chain])), column, sums[head][chain]);
      }
    }
  }
  for (; i < size; i += 1) {
    for (int64_t head = 0; head < heads; head += 1) {
      sums[head][0] = In::mulAdd(In::of(splat(x[head * size + i])), In::of(columns(i * lanes)), sums[head][0]);
    }
  }
  for (int64_t head = 0; head < heads; head += 1) {
    auto all = sums[head][0] + sums[head][1];
    if constexpr (In::chains == 4) all += sums[head][2] + sums[head][3];
    out[head] = In::round(all);
  }
}

// Of some heads: sums += weights[0] * row 0 + weights[1] * row 1 + ..., in this order; four vectors of sums of each head stay
// in registers, and a row is read once for all heads.
template <typename In, int64_t heads, typename Source>
void addWeighted(const float* weights, int64_t weightStride, Source rows, int64_t count, int64_t size, float* sums) {
  constexpr int64_t vectors = 4;
  int64_t i = 0;
  for (; i + vectors * lanes <= size; i += vectors * lanes) {
    typename In::Sum all[heads][vectors];
    for (int64_t head = 0; head < heads; head += 1) {
      for (int64_t j = 0; j < vectors; j += 1) all[head][j] = In::of(load(sums + head * size + i + j * lanes));
    }
    for (int64_t row = 0; row < count; row += 1) {
      F32x16 values[vectors];
      LOWBIT_UNROLL for (int64_t j = 0; j < vectors; j += 1) values[j] = rows(row * size + i + j * lanes);
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
        all = In::mulAdd(In::of(splat(weights[head * weightStride + row])), In::of(rows(row * size + i, size - i)), all);
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
template <typename In, typename Source>
void attendWith(const AttentionTile& tile) {
  const int64_t length = tile.firstPosition + tile.rows;
  const int64_t keySize = tile.keys.headSize, valueSize = tile.values.headSize;
  const int64_t bufferSize = positionsAtOnce * ((keySize > valueSize ? keySize : valueSize) + lanes);
  float *buffer = tile.scratch, *spare = buffer + bufferSize, *scores = spare + bufferSize;
  const auto slotOf = [&](int64_t position) {
    return tile.blocks[position / tile.blockSize] * tile.blockSize + position % tile.blockSize;
  };
  const auto firstOf = [&](int64_t row) {
    const int64_t first = tile.firstPosition + row + 1 - tile.slidingWindow;
    return tile.slidingWindow > 0 && first > 0 ? first : int64_t{0};
  };
  // Blocks begin at multiples of their size: where sums are rounded between them does not depend on the rows of the tile.
  const int64_t start = firstOf(0) / positionsAtOnce * positionsAtOnce, stride = length - start;

  const auto sourceOf = [&](const CacheElements& cache, auto isKey, int64_t block, int64_t count) {
    if constexpr (std::is_same_v<Source, Halves>) {
      return Halves{reinterpret_cast<const uint16_t*>(cache.data) + cache.groupStart(slotOf(block), tile.kvHead)};
    } else {
      return Numbers{readNumbers<isKey>(cache, tile.kvHead, block, count, slotOf, buffer, spare)};
    }
  };
  const auto prefetch = [&](const CacheElements& cache, int64_t position) {
    if (position >= length) return;
    const uint8_t* first = cache.data + cache.groupStart(slotOf(position), tile.kvHead) * cache.elementBytes;
    for (int64_t i = 0; i < positionsAtOnce * cache.headSize * cache.elementBytes; i += 64) __builtin_prefetch(first + i);
  };
  // The numbers of each block of positions, then for each row and head the part [from, to) of the block that it sees.
  const auto forEachBlock = [&](const CacheElements& cache, auto isKey, auto use) {
    for (int64_t block = start; block < length; block += positionsAtOnce) {
      const int64_t count = length - block < positionsAtOnce ? length - block : positionsAtOnce;
      prefetch(cache, block + 2 * positionsAtOnce);
      const Source numbers = sourceOf(cache, isKey, block, count);
      for (int64_t row = 0; row < tile.rows; row += 1) {
        const int64_t from = firstOf(row) > block ? firstOf(row) - block : 0;
        const int64_t seen = tile.firstPosition + row + 1 - block, to = seen < count ? seen : count;
        if (from >= to) continue;
        forEachHeads<In::heads>(tile.heads, [&](auto heads, int64_t head) {
          use(heads, row, head, scores + (row * tile.heads + head) * stride + block - start, numbers, from, to);
        });
      }
    }
  };
  for (int64_t i = 0; i < 2; i += 1) {
    prefetch(tile.keys, start + i * positionsAtOnce);
    prefetch(tile.values, start + i * positionsAtOnce);
  }

  forEachBlock(
      tile.keys, std::true_type{},
      [&](auto heads, int64_t row, int64_t head, float* blockScores, Source columns, int64_t from, int64_t to) {
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
      tile.values, std::false_type{},
      [&](auto heads, int64_t row, int64_t head, const float* weights, Source values, int64_t from, int64_t to) {
        float* sums = tile.output + row * tile.outputStride + head * valueSize;
        addWeighted<In, heads>(weights + from, stride, Source{values.start + from * valueSize}, to - from, valueSize, sums);
      });
}

template <typename In>
void attend(const AttentionTile& tile) {
  // What is read once need not be kept as numbers.
  const auto direct = [](const CacheElements& cache) {
    return cache.type == CacheType::f16 && cache.group == lanes && !cache.scales && !cache.zeros;
  };
  if (tile.rows == 1 && tile.heads <= In::heads && direct(tile.keys) && direct(tile.values)) attendWith<In, Halves>(tile);
  else attendWith<In, Numbers>(tile);
}

constexpr OperationKernels operations = {rmsNorm, siluMul, add, attend<InF32>, attend<InF64>};

}  // namespace
}  // namespace lowbit
