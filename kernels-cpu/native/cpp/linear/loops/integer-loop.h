// Integer products: 4- and 8-bit codes times activations of 8 bits, or of 16 bits in two planes.
//
// A tile is T rows of the input times two vectors of output rows, one lane each. Weights are the unsigned operand, as they
// are stored; the zero point comes off afterwards: sum((q - z) x) = sum(q x) - z sum(x). Codes are unpacked once for all T
// rows, and the codes of four columns are multiplied and added by one instruction, exactly. At the end of a chunk the
// integers become f32 and are scaled. T = 1 is the matrix-vector product.
//
// Fast because: one linear stream of weights, prefetched 8 KiB ahead; integer sums stay in registers (T <= 8: 16 vectors of
// 32) and f32 sums, touched once a chunk, in first-level cache; activations lie in the order in which they are broadcast.
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

// What a row's sums are scaled by. exactSums: one scale per row on both sides. perChunk: an activation scale for each chunk.
// A number: chunks of 128 / n columns, n of them with one activation scale, which is multiplied once.
constexpr int exactSums = -1, perChunk = 0;

// ZeroTable: zero points of their own, else one for all codes.
template <class S, class Codes, int T, int Planes, bool ZeroTable, int Scaling>
void integerTile(const TileJob& job) {
  using I = typename S::I;
  using F = typename S::F;
  constexpr int V = S::vectors;
  const PackedLayout& w = *job.layout;
  const WeightShape& shape = *job.shape;
  constexpr bool ExactSums = Scaling == exactSums, SharedScales = Scaling > 1;
  const I constant = S::setI(-constantZero(shape.codes));
  const F factor = S::set(shape.scaleFactor * integerUnit(shape.codes));
  const int64_t row = job.slice * V * S::lanes;
  const int64_t zeroTable = blockRows * scaleBytes(shape.scales);
  // Few rows leave registers for a second chain of dependent additions.
  constexpr bool twoChains = T * Planes <= 2;

  const uint8_t* p = job.block + w.headerBytes;
  const uint8_t* tables = job.block;
  const uint8_t* x = job.tile->codes;
  const auto* codeSums = reinterpret_cast<const uint8_t*>(job.tile->sums);
  // f32 sums wait in first-level cache, so that the registers are the integers': of the chunks so far, and of those since the
  // last activation scale where chunks share it.
  alignas(64) float totals[T][V * S::lanes] = {}, parts[SharedScales ? T : 1][V * S::lanes] = {};
  I sums[Planes][T][V], odd[Planes][T][V];
  for (int t = 0; t < T; t += 1) {
    for (int r = 0; r < V; r += 1) {
      for (int plane = 0; plane < Planes; plane += 1) sums[plane][t][r] = S::zeroI();
    }
  }

  // Outputs lie in other rows, far apart: their lines come while the sums are made.
  for (int t = 0; t < T; t += 1) {
    const float* target = job.out->values + (job.firstRow + t) * job.out->stride + job.firstOutput + row;
    for (int r = 0; r < V; r += 1) __builtin_prefetch(target + r * S::lanes, 1);
  }

  Codes codes;
  for (ChunkWalk c(w); c.columns > 0; c.next()) {
    if constexpr (!ExactSums) {
      LOWBIT_UNROLL for (int t = 0; t < T; t += 1) {
        const I start = ZeroTable ? S::zeroI() : S::mulI(S::broadcastDword(codeSums + (c.index * T + t) * 4), constant);
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
    const int64_t octets = ExactSums ? w.octets() : Scaling > 0 ? 16 / Scaling : c.octets();
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
    const float* scales = job.tile->scales + (SharedScales ? c.index / Scaling : c.index) * T;
    const bool first = SharedScales && c.index % Scaling == 0, last = SharedScales && endsScale(c, Scaling);
    LOWBIT_UNROLL for (int r = 0; r < V; r += 1) {
      const int64_t firstRow = row + r * S::lanes;
      const F scale = w.wholeRow ? S::set(1) : S::mul(S::loadScales(shape.scales, tables, firstRow), factor);
      const F zero = ZeroTable ? S::loadZeros(shape.zeros, tables + zeroTable, firstRow) : S::zero();
      LOWBIT_UNROLL for (int t = 0; t < T; t += 1) {
        F value = S::toFloat(joined<S, T, Planes>(sums, t, r));
        if constexpr (ZeroTable) {
          value = S::negatedMulAdd(zero, S::set(static_cast<float>(job.tile->sums[c.index * T + t])), value);
        }
        float* total = totals[t] + r * S::lanes;
        if constexpr (SharedScales) {
          float* part = parts[t] + r * S::lanes;
          const F sum = first ? S::mul(value, scale) : S::mulAdd(value, scale, S::loadF(part));
          if (last) S::store(total, S::mulAdd(sum, S::set(scales[t]), S::loadF(total)));
          else S::store(part, sum);
        } else {
          S::store(total, S::mulAdd(value, S::mul(S::set(scales[t]), scale), S::loadF(total)));
        }
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
      const F scale = S::mul(S::loadScales(shape.scales, tables, first), factor);
      for (int t = 0; t < T; t += 1) {
        const F sum = S::loadF(totals[t] + r * S::lanes);
        finish<S>(job, w.wholeRow ? S::mul(sum, scale) : sum, first, t);
      }
    }
  }
}

using Tile = void (*)(const TileJob&);

template <class S, class Codes, int Planes, bool ZeroTable, int Scaling>
Tile integerTileOf(int64_t rows) {
  constexpr int most = Planes == 1 ? S::int8Rows : S::int16Rows;
  static constexpr Tile tiles[] = {
      integerTile<S, Codes, 1, Planes, ZeroTable, Scaling>,
      integerTile<S, Codes, most < 2 ? most : 2, Planes, ZeroTable, Scaling>,
      integerTile<S, Codes, most < 3 ? most : 3, Planes, ZeroTable, Scaling>,
      integerTile<S, Codes, most < 4 ? most : 4, Planes, ZeroTable, Scaling>,
      integerTile<S, Codes, most < 5 ? most : 5, Planes, ZeroTable, Scaling>,
      integerTile<S, Codes, most < 6 ? most : 6, Planes, ZeroTable, Scaling>,
      integerTile<S, Codes, most < 7 ? most : 7, Planes, ZeroTable, Scaling>,
      integerTile<S, Codes, most < 8 ? most : 8, Planes, ZeroTable, Scaling>,
  };
  return tiles[rows - 1];
}

template <class S, class Codes, bool ZeroTable>
Tile integerTileOf(int64_t rows, const InputLayout& format, bool exact) {
  if (format.planes == 2) return integerTileOf<S, Codes, 2, ZeroTable, perChunk>(rows);
  if (exact) return integerTileOf<S, Codes, 1, ZeroTable, exactSums>(rows);
  if constexpr (!Codes::wide) {
    if (format.scaleChunks == 2) return integerTileOf<S, Codes, 1, ZeroTable, 2>(rows);
    if (format.scaleChunks == 4) return integerTileOf<S, Codes, 1, ZeroTable, 4>(rows);
  }
  return integerTileOf<S, Codes, 1, ZeroTable, perChunk>(rows);
}

template <class S>
Tile selectIntegerTile(const WeightShape& shape, int64_t rows, const InputLayout& format, bool exact) {
  const bool zeros = shape.zeros != ZeroType::none;
  switch (shape.codes) {
    case CodeType::f4e2m1:
      return integerTileOf<S, E2m1Nibbles<S>, false>(rows, format, exact);
    case CodeType::u4:
    case CodeType::i4:
      return zeros ? integerTileOf<S, Nibbles<S>, true>(rows, format, exact)
                   : integerTileOf<S, Nibbles<S>, false>(rows, format, exact);
    default:
      return zeros ? integerTileOf<S, Bytes<S>, true>(rows, format, exact)
                   : integerTileOf<S, Bytes<S>, false>(rows, format, exact);
  }
}

}  // namespace
}  // namespace lowbit
