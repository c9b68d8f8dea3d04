// Integer products: 4- and 8-bit codes times activations of 8 bits, or of 16 bits in two planes.
//
// A tile is T rows of the input times two vectors of output rows, one lane each. Weights are the unsigned operand, as they
// are stored; the zero point comes off afterwards: sum((q - z) x) = sum(q x) - z sum(x). Codes are unpacked once for all T
// rows, and the codes of four columns are multiplied and added by one instruction, exactly. At the end of a chunk the
// integers become f32 and are scaled. T = 1 is the matrix-vector product.
//
// Fast because: one linear stream of weights, prefetched 8 KiB ahead; sums stay in registers (T <= 6: 12 integer and 12
// f32 vectors of 32); activations lie in the order in which they are broadcast.
#pragma once
#include "finish.h"
#include "quantize-input.h"

namespace lowbit {
namespace {

constexpr int64_t prefetchDistance = 8192;

// All 32 rows, also where a pass takes 16 of them: the next pass finds its half in the cache.
template <class S>
inline void prefetchOctet(const uint8_t* octet, int64_t bytes) {
  S::prefetch(octet + prefetchDistance, bytes);
}

// Stored codes of an octet as unsigned bytes of four columns: even columns (0) and odd columns (1) of one vector of rows.
template <class S>
struct Nibbles {
  static constexpr bool wide = false;
  typename S::I stored[S::vectors];
  void load(const uint8_t* octet, int64_t slice) {
    for (int r = 0; r < S::vectors; r += 1) stored[r] = S::load(octet + (slice * S::vectors + r) * 4 * S::lanes);
    prefetchOctet<S>(octet, 128);
  }
  template <int Odd>
  typename S::I quad(int r) const {
    return Odd ? S::highNibbles(stored[r]) : S::lowNibbles(stored[r]);
  }
};

// The same for f4e2m1: looked up as two times the number, plus 12.
template <class S>
struct E2m1Nibbles : Nibbles<S> {
  typename S::I table = S::bytes16(doubledE2m1);
  template <int Odd>
  typename S::I quad(int r) const {
    return S::lookUp(table, Nibbles<S>::template quad<Odd>(r));
  }
};

template <class S>
struct Bytes {
  static constexpr bool wide = true;
  typename S::I stored[2][S::vectors];
  void load(const uint8_t* octet, int64_t slice) {
    for (int r = 0; r < S::vectors; r += 1) {
      const int64_t row = (slice * S::vectors + r) * S::lanes;
      const uint8_t* half = octet + (row >> 4) * 128 + (row & 15) * 4;
      stored[0][r] = S::load(half);
      stored[1][r] = S::load(half + 64);
    }
    prefetchOctet<S>(octet, 256);
  }
  template <int Odd>
  typename S::I quad(int r) const {
    return stored[Odd][r];
  }
};

// Adds the products of an octet's even or odd columns.
template <class S, class Codes, int T, int Planes, int Odd>
inline void addQuads(const Codes& codes, const uint8_t* x, typename S::I (&sums)[Planes][T][S::vectors]) {
  typename S::I quads[S::vectors];
  LOWBIT_UNROLL for (int r = 0; r < S::vectors; r += 1) quads[r] = codes.template quad<Odd>(r);
  LOWBIT_UNROLL for (int plane = 0; plane < Planes; plane += 1) {
    LOWBIT_UNROLL for (int t = 0; t < T; t += 1) {
      const typename S::I value = S::broadcastDword(x + ((Odd * Planes + plane) * T + t) * 4);
      LOWBIT_UNROLL for (int r = 0; r < S::vectors; r += 1) {
        sums[plane][t][r] = Codes::wide ? S::dotWide(sums[plane][t][r], quads[r], value)
                                        : S::dot(sums[plane][t][r], quads[r], value);
      }
    }
  }
}

template <class S, int T, int Planes>
inline typename S::I joined(const typename S::I (&sums)[Planes][T][S::vectors], int t, int r) {
  if constexpr (Planes == 1) {
    return sums[0][t][r];
  } else {
    return S::add(S::shiftLeft8(sums[0][t][r]), sums[1][t][r]);
  }
}

// ZeroTable: zero points of their own, else one for all codes. ExactSums: one scale per row on both sides.
template <class S, class Codes, int T, int Planes, bool ZeroTable, bool ExactSums>
void integerTile(const TileJob& job) {
  using I = typename S::I;
  using F = typename S::F;
  constexpr int V = S::vectors;
  const PackedLayout& w = *job.layout;
  const WeightShape& shape = *job.shape;
  const int32_t constant = constantZero(shape.codes);
  const F factor = S::set(shape.scaleFactor), unit = S::set(integerUnit(shape.codes));
  const int64_t row = job.slice * V * S::lanes;
  const int64_t zeroTable = blockRows * scaleBytes(shape.scales);
  // Few rows leave registers for a second chain of dependent additions.
  constexpr bool twoChains = T * Planes <= 2;

  const uint8_t* p = job.block + w.headerBytes;
  const uint8_t* tables = job.block;
  const uint8_t* x = job.tile->codes;
  F total[T][V];
  I sums[Planes][T][V], odd[Planes][T][V];
  for (int t = 0; t < T; t += 1) {
    for (int r = 0; r < V; r += 1) {
      total[t][r] = S::zero();
      for (int plane = 0; plane < Planes; plane += 1) sums[plane][t][r] = S::zeroI();
    }
  }

  Codes codes;
  for (ChunkWalk c(w); c.columns > 0; c.next()) {
    if constexpr (!ExactSums) {
      LOWBIT_UNROLL for (int t = 0; t < T; t += 1) {
        const I start = ZeroTable ? S::zeroI() : S::setI(-constant * job.tile->sums[c.index * T + t]);
        LOWBIT_UNROLL for (int r = 0; r < V; r += 1) {
          if constexpr (Planes == 2) sums[0][t][r] = S::zeroI();
          sums[Planes - 1][t][r] = start;
        }
      }
    }
    if constexpr (twoChains) {
      LOWBIT_UNROLL for (int plane = 0; plane < Planes; plane += 1) {
        LOWBIT_UNROLL for (int t = 0; t < T; t += 1) {
          LOWBIT_UNROLL for (int r = 0; r < V; r += 1) odd[plane][t][r] = S::zeroI();
        }
      }
    }

    // Exact sums need no chunks.
    const int64_t octets = ExactSums ? w.octets() : c.octets();
    for (int64_t o = 0; o < octets; o += 1) {
      codes.load(p, job.slice);
      addQuads<S, Codes, T, Planes, 0>(codes, x, sums);
      addQuads<S, Codes, T, Planes, 1>(codes, x, twoChains ? odd : sums);
      p += w.octetBytes;
      x += 8 * Planes * T;
    }

    if constexpr (twoChains) {
      LOWBIT_UNROLL for (int plane = 0; plane < Planes; plane += 1) {
        LOWBIT_UNROLL for (int t = 0; t < T; t += 1) {
          LOWBIT_UNROLL for (int r = 0; r < V; r += 1) sums[plane][t][r] = S::add(sums[plane][t][r], odd[plane][t][r]);
        }
      }
    }
    if constexpr (ExactSums) break;

    if (!w.wholeRow) tables = p;
    const float* scales = job.tile->scales + c.index * T;
    LOWBIT_UNROLL for (int r = 0; r < V; r += 1) {
      const int64_t first = row + r * S::lanes;
      const F scale = w.wholeRow ? S::set(1) : S::mul(S::mul(S::loadScales(shape.scales, tables, first), factor), unit);
      const F zero = ZeroTable ? S::loadZeros(shape.zeros, tables + zeroTable, first) : S::zero();
      LOWBIT_UNROLL for (int t = 0; t < T; t += 1) {
        F value = S::toFloat(joined<S, T, Planes>(sums, t, r));
        if constexpr (ZeroTable) {
          value = S::negatedMulAdd(zero, S::set(static_cast<float>(job.tile->sums[c.index * T + t])), value);
        }
        total[t][r] = S::mulAdd(value, S::mul(S::set(scales[t]), scale), total[t][r]);
      }
    }
    if (!w.wholeRow) p += w.tableBytes;
  }

  if constexpr (ExactSums) {
    ExactFinish<V * S::lanes> finish;
    finish.template load<S>(job, row);
    for (int t = 0; t < T; t += 1) {
      alignas(64) int32_t dots[V * S::lanes];
      for (int r = 0; r < V; r += 1) S::storeI(dots + r * S::lanes, sums[0][t][r]);
      finish.store(job, dots, row, t);
    }
  } else {
    for (int r = 0; r < V; r += 1) {
      const int64_t first = row + r * S::lanes;
      const F scale = S::mul(S::mul(S::loadScales(shape.scales, tables, first), factor), unit);
      for (int t = 0; t < T; t += 1) {
        finish<S>(job, w.wholeRow ? S::mul(total[t][r], scale) : total[t][r], first, t);
      }
    }
  }
}

using Tile = void (*)(const TileJob&);

template <class S, class Codes, int Planes, bool ZeroTable, bool ExactSums>
Tile integerTileOf(int64_t rows) {
  constexpr int most = Planes == 1 ? S::int8Rows : S::int16Rows;
  static constexpr Tile tiles[] = {
      integerTile<S, Codes, 1, Planes, ZeroTable, ExactSums>,
      integerTile<S, Codes, most < 2 ? most : 2, Planes, ZeroTable, ExactSums>,
      integerTile<S, Codes, most < 3 ? most : 3, Planes, ZeroTable, ExactSums>,
      integerTile<S, Codes, most < 4 ? most : 4, Planes, ZeroTable, ExactSums>,
      integerTile<S, Codes, most < 5 ? most : 5, Planes, ZeroTable, ExactSums>,
      integerTile<S, Codes, most < 6 ? most : 6, Planes, ZeroTable, ExactSums>,
      integerTile<S, Codes, most < 7 ? most : 7, Planes, ZeroTable, ExactSums>,
      integerTile<S, Codes, most < 8 ? most : 8, Planes, ZeroTable, ExactSums>,
  };
  return tiles[rows - 1];
}

template <class S, class Codes, bool ZeroTable>
Tile integerTileOf(int64_t rows, int64_t planes, bool exactSums) {
  if (planes == 2) return integerTileOf<S, Codes, 2, ZeroTable, false>(rows);
  return exactSums ? integerTileOf<S, Codes, 1, ZeroTable, true>(rows)
                   : integerTileOf<S, Codes, 1, ZeroTable, false>(rows);
}

template <class S>
Tile selectIntegerTile(const WeightShape& shape, int64_t rows, int64_t planes, bool exactSums) {
  const bool zeros = shape.zeros != ZeroType::none;
  switch (shape.codes) {
    case CodeType::f4e2m1:
      return integerTileOf<S, E2m1Nibbles<S>, false>(rows, planes, exactSums);
    case CodeType::u4:
    case CodeType::i4:
      return zeros ? integerTileOf<S, Nibbles<S>, true>(rows, planes, exactSums)
                   : integerTileOf<S, Nibbles<S>, false>(rows, planes, exactSums);
    default:
      return zeros ? integerTileOf<S, Bytes<S>, true>(rows, planes, exactSums)
                   : integerTileOf<S, Bytes<S>, false>(rows, planes, exactSums);
  }
}

}  // namespace
}  // namespace lowbit
