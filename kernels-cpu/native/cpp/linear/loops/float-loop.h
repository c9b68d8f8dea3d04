// Exact products: codes become f32 in registers, are multiplied with f32 activations and added in f32.
//
// A tile is T rows of the input times two vectors of output rows, one lane each. Even and odd columns of a chunk have sums
// of their own, added at its end; then the zero point comes off, -zero * sum(x), and the scale goes on. The order is the same
// for every T, and so are the bits.
//
// Fast because: nothing is dequantized to memory; codes of 4 bits are looked up in a register by the lane's own low bits,
// unmasked where the instruction ignores the others; one linear stream as in integer-loop.h.
#pragma once
#include "float-codes.h"

namespace lowbit {
namespace {

template <class S, class Codes, int K, int T>
inline void addColumn(const Codes& codes, const float* x, typename S::F (&sums)[2][T][S::vectors]) {
  typename S::F weights[S::vectors];
  LOWBIT_UNROLL for (int r = 0; r < S::vectors; r += 1) weights[r] = codes.template column<K>(r);
  LOWBIT_UNROLL for (int t = 0; t < T; t += 1) {
    const typename S::F value = S::set(x[K * T + t]);
    LOWBIT_UNROLL for (int r = 0; r < S::vectors; r += 1) {
      sums[K & 1][t][r] = S::mulAdd(weights[r], value, sums[K & 1][t][r]);
    }
  }
}

template <class S, class Codes, int T>
void floatTile(const TileJob& job) {
  using F = typename S::F;
  constexpr int V = S::vectors;
  const PackedLayout& w = *job.layout;
  const WeightShape& shape = *job.shape;
  const bool zeroTable = shape.zeros != ZeroType::none;
  const F factor = S::set(shape.scaleFactor), unit = S::set(floatUnit(shape.codes));
  const int64_t row = job.slice * V * S::lanes;
  const int64_t zeros = blockRows * scaleBytes(shape.scales);

  const uint8_t* p = job.block + w.headerBytes;
  const uint8_t* tables = job.block;
  const float* x = reinterpret_cast<const float*>(job.tile->codes);
  F total[T][V];
  for (int t = 0; t < T; t += 1) {
    for (int r = 0; r < V; r += 1) total[t][r] = S::zero();
  }

  Codes codes(shape);
  for (ChunkWalk c(w); c.columns > 0; c.next()) {
    F sums[2][T][V];
    LOWBIT_UNROLL for (int t = 0; t < T; t += 1) {
      LOWBIT_UNROLL for (int r = 0; r < V; r += 1) sums[0][t][r] = sums[1][t][r] = S::zero();
    }

    const int64_t octets = c.octets();
    for (int64_t o = 0; o < octets; o += 1) {
      codes.load(p, job.slice);
      addColumn<S, Codes, 0, T>(codes, x, sums);
      addColumn<S, Codes, 1, T>(codes, x, sums);
      addColumn<S, Codes, 2, T>(codes, x, sums);
      addColumn<S, Codes, 3, T>(codes, x, sums);
      addColumn<S, Codes, 4, T>(codes, x, sums);
      addColumn<S, Codes, 5, T>(codes, x, sums);
      addColumn<S, Codes, 6, T>(codes, x, sums);
      addColumn<S, Codes, 7, T>(codes, x, sums);
      p += w.octetBytes;
      x += 8 * T;
    }

    if (!w.wholeRow) tables = p;
    LOWBIT_UNROLL for (int r = 0; r < V; r += 1) {
      const int64_t first = row + r * S::lanes;
      const F scale = w.wholeRow ? S::set(1) : S::mul(S::mul(S::loadScales(shape.scales, tables, first), factor), unit);
      const F zero = zeroTable ? S::loadZeros(shape.zeros, tables + zeros, first) : S::zero();
      LOWBIT_UNROLL for (int t = 0; t < T; t += 1) {
        F value = S::addF(sums[0][t][r], sums[1][t][r]);
        if (zeroTable) value = S::negatedMulAdd(zero, S::set(job.tile->floatSums[c.index * T + t]), value);
        total[t][r] = S::mulAdd(value, scale, total[t][r]);
      }
    }
    if (!w.wholeRow) p += w.tableBytes;
  }

  for (int r = 0; r < V; r += 1) {
    const int64_t first = row + r * S::lanes;
    const F scale = S::mul(S::mul(S::loadScales(shape.scales, job.block, first), factor), unit);
    for (int t = 0; t < T; t += 1) {
      finish<S>(job, w.wholeRow ? S::mul(total[t][r], scale) : total[t][r], first, t);
    }
  }
}

template <class S, class Codes>
Tile floatTileOf(int64_t rows) {
  constexpr int most = S::floatRows;
  static constexpr Tile tiles[] = {
      floatTile<S, Codes, 1>,
      floatTile<S, Codes, most < 2 ? most : 2>,
      floatTile<S, Codes, most < 3 ? most : 3>,
      floatTile<S, Codes, most < 4 ? most : 4>,
      floatTile<S, Codes, most < 5 ? most : 5>,
      floatTile<S, Codes, most < 6 ? most : 6>,
  };
  return tiles[rows - 1];
}

template <class S>
Tile selectFloatTile(const WeightShape& shape, int64_t rows) {
  if constexpr (!S::looksUpSixteen) {
    const bool offset = shape.codes == CodeType::i4 && shape.zeros == ZeroType::none;
    if (offset) return floatTileOf<S, IntegerNibbles<S, true>>(rows);
    if (isFourBit(shape.codes) && shape.codes != CodeType::f4e2m1) return floatTileOf<S, IntegerNibbles<S, false>>(rows);
  }
  switch (shape.codes) {
    case CodeType::u4:
    case CodeType::i4:
    case CodeType::f4e2m1:
      return floatTileOf<S, FloatNibbles<S>>(rows);
    case CodeType::u8:
      return floatTileOf<S, FloatBytes<S, false>>(rows);
    case CodeType::i8:
      return shape.zeros == ZeroType::none ? floatTileOf<S, FloatBytes<S, true>>(rows)
                                           : floatTileOf<S, FloatBytes<S, false>>(rows);
    case CodeType::f8e5m2:
      return floatTileOf<S, Float8<S, true>>(rows);
    default:
      return floatTileOf<S, Float8<S, false>>(rows);
  }
}

}  // namespace
}  // namespace lowbit
