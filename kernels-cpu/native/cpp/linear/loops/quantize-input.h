// Activations as codes, and into the order of input-layout.h. Plain C++ that compilers turn into vector code: the same
// numbers for every instruction set.
//
// Rounding: adding 1.5 * 2^23 leaves the nearest whole number, half to even, in the low bits of an f32. The largest
// magnitude is found among the bits, as integers, where NaN and infinity are the largest of all.
#pragma once
#include "../input-layout.h"
#include "scalar.h"

namespace lowbit {
namespace {

constexpr uint32_t infinityBits = 0x7f800000;
constexpr float quietNaN = __builtin_nanf("");

inline uint32_t largestBits(const float* x, int64_t columns) {
  uint32_t largest = 0;
  for (int64_t k = 0; k < columns; k += 1) {
    const uint32_t bits = bitsOf(x[k]) & 0x7fffffff;
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

// codes[k] = round(x[k] / scale) within +-limit; returns the scale.
inline float quantize(const float* x, int64_t columns, float amax, int32_t limit, int32_t* codes) {
  const float scale = amax / static_cast<float>(limit);
  const float inverse = 1.0f / scale;
  const bool tiny = !(inverse < 1e38f);  // a scale of zero, or so small that its inverse overflows
  if (tiny && !(scale > 0)) {
    for (int64_t k = 0; k < columns; k += 1) codes[k] = 0;
    return 0;
  }
  const float enlarge = tiny ? 1.8446744e19f : 1.0f;  // 2^64
  const float factor = tiny ? 1.0f / (scale * enlarge) : inverse;
  for (int64_t k = 0; k < columns; k += 1) {
    const float rounded = x[k] * enlarge * factor + 12582912.0f;
    const int32_t code = static_cast<int32_t>(bitsOf(rounded)) - 0x4b400000;
    codes[k] = code > limit ? limit : code < -limit ? -limit : code;
  }
  return scale;
}

// The bytes of eight octets, each with its even columns first.
inline void evenFirst(const uint8_t* bytes, uint8_t* ordered) {
  typedef uint8_t Octets __attribute__((vector_size(16)));
  for (int64_t i = 0; i < 64; i += 16) {
    Octets two;
    std::memcpy(&two, bytes + i, 16);
    two = __builtin_shufflevector(two, two, 0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
    std::memcpy(ordered + i, &two, 16);
  }
}

// One byte of each code: the even and the odd quad of an octet, `step` bytes apart; the next octet's two steps on.
inline void placeQuads(const uint8_t* bytes, int64_t octets, int64_t step, uint8_t* target) {
  uint8_t ordered[64];
  for (int64_t first = 0; first < octets; first += 8) {
    evenFirst(bytes + first * 8, ordered);
    const int64_t count = octets - first < 8 ? octets - first : 8;
    for (int64_t quad = 0; quad < 2 * count; quad += 1) std::memcpy(target + (2 * first + quad) * step, ordered + quad * 4, 4);
  }
}

// Puts the codes of one chunk, filled up with zeros to whole octets, into a tile; returns their sum. target: of the chunk.
inline int32_t placeChunk(const InputLayout& layout, const int32_t* codes, int64_t octets, int64_t rows, int64_t row,
                          uint8_t* target) {
  const int64_t columns = octets * 8, planes = layout.planes;
  uint8_t low[largestChunk + 64], high[largestChunk + 64];
  int32_t sum = 0;
  for (int64_t k = 0; k < columns; k += 1) {
    sum += codes[k];
    low[k] = static_cast<uint8_t>(codes[k]);
  }
  if (layout.matrixTiles) {
    const int64_t pieces = piecesFor(octets);
    for (int64_t piece = 0; piece < pieces; piece += 1) std::memset(target + (piece * rows + row) * 64, 0, 64);
    for (int64_t o = 0; o < octets; o += 8) {
      placeQuads(low + o * 8, octets - o < 8 ? octets - o : 8, 4, target + ((o >> 3) * rows + row) * 64);
    }
    return sum;
  }
  const int64_t step = 4 * planes * rows;
  if (planes == 2) {
    for (int64_t k = 0; k < columns; k += 1) high[k] = static_cast<uint8_t>((codes[k] - static_cast<int8_t>(codes[k])) >> 8);
    placeQuads(high, octets, step, target + row * 4);
  }
  placeQuads(low, octets, step, target + ((planes - 1) * rows + row) * 4);
  return sum;
}

inline void prepareExactRow(const InputLayout& layout, const InputTile& tile, const float* x, int64_t row) {
  const int64_t rows = tile.rows;
  float* target = reinterpret_cast<float*>(tile.codes) + row;
  const bool broken = largestBits(x, layout.inFeatures) >= infinityBits;
  for (ChunkWalk c(layout); c.columns > 0; c.next()) {
    float partial[8] = {};
    const int64_t padded = c.octets() * 8;
    for (int64_t k = 0; k < padded; k += 8) {
      for (int64_t j = 0; j < 8; j += 1) {
        const float value = broken ? quietNaN : k + j < c.columns ? x[c.first + k + j] : 0.0f;
        target[(k + j) * rows] = value;
        partial[j] += value;
      }
    }
    tile.floatSums[c.index * rows + row] =
        ((partial[0] + partial[4]) + (partial[2] + partial[6])) + ((partial[1] + partial[5]) + (partial[3] + partial[7]));
    target += padded * rows;
  }
}

inline void prepareIntegerRow(const InputLayout& layout, const InputTile& tile, const float* x, int64_t row,
                              bool perToken) {
  const int64_t rows = tile.rows, planes = layout.planes;
  const int32_t limit = planes == 2 ? 32512 : 127;
  const uint32_t largest = largestBits(x, layout.inFeatures);
  const bool broken = largest >= infinityBits;
  uint8_t* target = tile.codes;
  int32_t codes[largestChunk + 8] = {};
  int32_t total = 0;
  float amax = floatOf(largest);
  for (ChunkWalk c(layout); c.columns > 0; c.next()) {
    const int64_t octets = c.octets();
    if (!perToken && c.index % layout.scaleChunks == 0) {
      const int64_t left = layout.inFeatures - c.first, shared = c.columns * layout.scaleChunks;
      amax = floatOf(largestBits(x + c.first, shared < left ? shared : left));
    }
    for (int64_t k = c.columns; k < octets * 8; k += 1) codes[k] = 0;
    float scale = quietNaN;
    if (broken) {
      for (int64_t k = 0; k < c.columns; k += 1) codes[k] = 0;
    } else {
      scale = quantize(x + c.first, c.columns, amax, limit, codes);
    }
    const int32_t sum = placeChunk(layout, codes, octets, rows, row, target);
    tile.sums[c.index * rows + row] = sum;
    tile.scales[c.index / layout.scaleChunks * rows + row] = scale;
    total += sum;
    target += layout.chunkBytes(octets) * rows;
  }
  tile.totals[row] = total;
  tile.zeros[row] = 0;
}

inline void prepareCodedRow(const InputLayout& layout, const InputTile& tile, const CodedInput& input, int64_t source,
                            int64_t row, Accuracy accuracy) {
  const int64_t rows = tile.rows, planes = layout.planes;
  const int32_t zero = input.zeros ? input.zeros[source] : 0;
  const int32_t subtracted = planes == 2 ? zero : 0;
  const int16_t* x = input.codes + source * layout.inFeatures;
  uint8_t* target = tile.codes;
  int32_t codes[largestChunk + 8] = {};
  int32_t total = 0;
  for (ChunkWalk c(layout); c.columns > 0; c.next()) {
    const int64_t octets = c.octets();
    for (int64_t k = 0; k < c.columns; k += 1) codes[k] = x[c.first + k] - subtracted;
    for (int64_t k = c.columns; k < octets * 8; k += 1) codes[k] = 0;
    const int32_t sum = placeChunk(layout, codes, octets, rows, row, target);
    tile.sums[c.index * rows + row] = sum;
    tile.scales[c.index * rows + row] =
        accuracy == Accuracy::int8PerGroup ? input.scales[source * layout.chunkCount + c.index] : input.scales[source];
    total += sum;
    target += layout.chunkBytes(octets) * rows;
  }
  tile.totals[row] = total;
  tile.zeros[row] = planes == 2 ? 0 : zero;
}

template <class TileRows>
void prepareInputRows(const PreparedInput& input, const float* x, int64_t stride, int64_t firstTile, int64_t lastTile) {
  const Accuracy accuracy = input.format.accuracy;
  const InputLayout layout(input.format, TileRows::of(accuracy, input.rows));
  for (int64_t index = firstTile; index < lastTile; index += 1) {
    const InputTile tile(layout, input, index);
    for (int64_t row = 0; row < tile.rows; row += 1) {
      const float* values = x + (index * layout.tile + row) * stride;
      if (layout.exact) {
        prepareExactRow(layout, tile, values, row);
      } else {
        prepareIntegerRow(layout, tile, values, row, accuracy == Accuracy::int8PerToken);
      }
    }
  }
}

template <class TileRows>
void prepareCodeRows(const PreparedInput& input, const CodedInput& coded, int64_t firstTile, int64_t lastTile) {
  const InputLayout layout(input.format, TileRows::of(input.format.accuracy, input.rows));
  for (int64_t index = firstTile; index < lastTile; index += 1) {
    const InputTile tile(layout, input, index);
    for (int64_t row = 0; row < tile.rows; row += 1) {
      prepareCodedRow(layout, tile, coded, index * layout.tile + row, row, input.format.accuracy);
    }
  }
}

}  // namespace
}  // namespace lowbit
