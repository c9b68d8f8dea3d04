// Products of 8-bit activations with 4- and 8-bit codes in tile registers (AMX), for 16 rows and more.
//
//   left   16 rows of the input x 64 columns, signed     as prepareInput lays them (input-layout.h)
//   right  64 columns x 16 output rows, unsigned          16 vectors as integer-loop.h has them in registers:
//          vector 2 o = even columns, 2 o + 1 = odd columns of octet o
//   sum    16 rows x 16 output rows, int32
//
// The codes of a chunk are unpacked once, into first-level cache, for up to four tiles of the input. Its sums are stored,
// made f32 and scaled as in integer-loop.h: integers are exact, what follows is the same, and so are the bits.
//
// `Tiles` has the tile registers: the processor's (amx.cc), or an emulation for tests.
#pragma once
#include "integer-loop.h"

namespace lowbit {
namespace {

constexpr int64_t tilesAtOnce = 4;
constexpr int64_t mostPieces = largestChunk / 64;

// [piece][half of 16 output rows][16 vectors]
using RightTiles = uint8_t[mostPieces][2][16 * 64];

template <class S, class Codes>
void unpackChunk(const uint8_t* p, int64_t octets, int64_t octetBytes, RightTiles& right) {
  Codes codes;
  for (int64_t o = 0; o < octets; o += 1) {
    codes.load(p + o * octetBytes, 0);
    for (int half = 0; half < 2; half += 1) {
      uint8_t* target = right[o >> 3][half] + (o & 7) * 128;
      S::storeBytes(target, codes.template quad<0>(half));
      S::storeBytes(target + 64, codes.template quad<1>(half));
    }
  }
  // The left operand is zero there, the right one must only be defined.
  for (int64_t o = octets; (o & 7) != 0; o += 1) {
    for (int half = 0; half < 2; half += 1) std::memset(right[o >> 3][half] + (o & 7) * 128, 0, 128);
  }
}

template <class S>
void unpackCodes(CodeType type, const uint8_t* p, int64_t octets, int64_t octetBytes, RightTiles& right) {
  if (type == CodeType::f4e2m1) return unpackChunk<S, E2m1Nibbles<S>>(p, octets, octetBytes, right);
  if (isFourBit(type)) return unpackChunk<S, Nibbles<S>>(p, octets, octetBytes, right);
  unpackChunk<S, Bytes<S>>(p, octets, octetBytes, right);
}

// One block of 32 output rows and up to tilesAtOnce tiles. S has two vectors of 16 lanes.
template <class S, class Tiles>
void matrixTiles(const TileJob& job, const InputLayout& format, const InputTile* inputs, int64_t count, bool exactSums) {
  using F = typename S::F;
  const PackedLayout& w = *job.layout;
  const WeightShape& shape = *job.shape;
  const bool zeroTable = shape.zeros != ZeroType::none;
  const int32_t constant = constantZero(shape.codes);
  const F factor = S::set(shape.scaleFactor * integerUnit(shape.codes));
  const int64_t zeroPlace = blockRows * scaleBytes(shape.scales);

  alignas(64) RightTiles right;
  alignas(64) int32_t dots[tilesAtOnce][2][16][16];  // [tile][half][row][output]
  alignas(64) float totals[tilesAtOnce][2][16][16], parts[tilesAtOnce][2][16][16];
  std::memset(dots, 0, sizeof dots);
  std::memset(totals, 0, sizeof totals);
  std::memset(parts, 0, sizeof parts);

  const uint8_t* p = job.block + w.headerBytes;
  int64_t x = 0;  // bytes of a row so far
  for (ChunkWalk c(w); c.columns > 0; c.next()) {
    const int64_t octets = c.octets(), pieces = piecesFor(octets);
    unpackCodes<S>(shape.codes, p, octets, w.octetBytes, right);
    p += octets * w.octetBytes;
    const uint8_t* tables = w.wholeRow ? job.block : p;
    F scale[2], zero[2];
    for (int half = 0; half < 2; half += 1) {
      scale[half] = w.wholeRow ? S::set(1) : S::mul(S::loadScales(shape.scales, tables, half * 16), factor);
      zero[half] = zeroTable ? S::loadZeros(shape.zeros, tables + zeroPlace, half * 16) : S::zero();
    }
    for (int64_t i = 0; i < count; i += 1) {
      const InputTile& input = inputs[i];
      Tiles::multiply(dots[i], input.codes + x * input.rows, input.rows, right, pieces, !exactSums);
      if (exactSums) continue;
      for (int64_t t = 0; t < input.rows; t += 1) {
        const int32_t sum = input.sums[c.index * input.rows + t];
        const F inputScale = S::set(input.scales[c.index / format.scaleChunks * input.rows + t]);
        const F inputSum = S::set(static_cast<float>(sum));
        const typename S::I off = S::setI(-constant * sum);
        for (int half = 0; half < 2; half += 1) {
          const typename S::I dot = S::load(reinterpret_cast<const uint8_t*>(dots[i][half][t]));
          const F value = zeroTable ? S::negatedMulAdd(zero[half], inputSum, S::toFloat(dot)) : S::toFloat(S::add(dot, off));
          float *total = totals[i][half][t], *part = parts[i][half][t];
          if (format.scaleChunks == 1) {
            S::store(total, S::mulAdd(value, S::mul(inputScale, scale[half]), S::loadF(total)));
            continue;
          }
          const F sum = S::mulAdd(value, scale[half], S::loadF(part));
          if (endsScale(c, format.scaleChunks)) {
            S::store(total, S::mulAdd(sum, inputScale, S::loadF(total)));
            S::store(part, S::zero());
          } else {
            S::store(part, sum);
          }
        }
      }
    }
    x += format.chunkBytes(octets);
    if (!w.wholeRow) p += w.tableBytes;
  }

  TileJob out = job;
  for (int64_t i = 0; i < count; i += 1) {
    out.tile = &inputs[i];
    out.firstRow = job.firstRow + i * matrixTileRows;
    for (int half = 0; half < 2; half += 1) {
      if (job.firstOutput + half * 16 >= shape.outFeatures) break;
      if (exactSums) {
        ExactFinish<16> finish;
        finish.template load<S>(out, half * 16);
        for (int64_t t = 0; t < inputs[i].rows; t += 1) finish.store(out, dots[i][half][t], half * 16, t);
        continue;
      }
      const F scale = S::mul(S::loadScales(shape.scales, job.block, half * 16), factor);
      for (int64_t t = 0; t < inputs[i].rows; t += 1) {
        const F y = S::loadF(totals[i][half][t]);
        finish<S>(out, w.wholeRow ? S::mul(y, scale) : y, half * 16, t);
      }
    }
  }
}

template <class S, class Tiles>
void forwardMatrixTiles(const PackedLinear& weight, const PreparedInput& input, const LinearOutput& out,
                        int64_t firstBlock, int64_t lastBlock) {
  const PackedLayout layout(weight.shape);
  const InputLayout format(input.format, matrixTileRows);
  const bool exactSums = input.format.accuracy == Accuracy::int8PerToken && layout.wholeRow;
  const int64_t tiles = format.tiles(input.rows);
  Tiles::begin();
  for (int64_t first = 0; first < tiles; first += tilesAtOnce) {
    const auto at = [&](int64_t i) { return InputTile(format, input, first + i < tiles ? first + i : first); };
    const InputTile inputs[tilesAtOnce] = {at(0), at(1), at(2), at(3)};
    const int64_t count = tiles - first < tilesAtOnce ? tiles - first : tilesAtOnce;
    for (int64_t block = firstBlock; block < lastBlock; block += 1) {
      const TileJob job = {&layout, &weight.shape, weight.data + block * layout.blockBytes, inputs, &out,
                           block * blockRows, first * matrixTileRows, 0};
      matrixTiles<S, Tiles>(job, format, inputs, count, exactSums);
    }
  }
  Tiles::end();
}

inline bool usesMatrixTiles(Accuracy accuracy, int64_t rows) {
  return rows >= matrixTileRows && accuracy != Accuracy::exact && accuracy != Accuracy::int16Planes;
}

}  // namespace
}  // namespace lowbit
