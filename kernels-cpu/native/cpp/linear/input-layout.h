// The bytes of a prepared input. Rows (tokens) come in tiles of `tile` rows, the last one perhaps with fewer; what a kernel
// broadcasts for the T rows of a tile lies side by side, in the order of its loop. Chunks and octets as in packed-layout.h.
//
//   exact        x[octets * 8][T] f32                             | sum[chunks][T] f32
//   int8         per octet: (k0 k2 k4 k6)[T] (k1 k3 k5 k7)[T]     | sum[chunks][T] i32 | scale[chunks / scaleChunks][T] | total[T] i32 | zero[T] i32
//   int16Planes  per octet: even hi[T], even lo[T], odd hi[T], odd lo[T]; value = 256 * hi + lo; the rest as int8
//   int8, T = 16 (amx, from 16 rows on): chunks filled up to pieces of 8 octets, per piece and row its 16 quads in a row,
//                64 B: what a tile register loads as the left operand
//
// sum: of the codes or values of a chunk. total: of the codes of the row. zero: the zero point of int8PerToken codes.
#pragma once
#include "packed-layout.h"

namespace lowbit {
namespace {

constexpr int64_t matrixTileRows = 16;

// Pieces of 64 columns that hold some octets of a chunk.
inline int64_t piecesFor(int64_t octets) { return (octets + 7) >> 3; }

struct InputLayout : Chunking {
  int64_t tile, planes;  // planes: bytes per code; 4 for f32
  bool exact;
  bool matrixTiles;
  int64_t codeBytes;  // of one row
  int64_t chunkCount;
  int64_t scaleChunks;  // chunks that share an activation scale

  InputLayout(const InputFormat& format, int64_t tileRows)
      : Chunking(format.inFeatures, format.groupSize),
        tile(tileRows),
        planes(format.accuracy == Accuracy::exact ? 4 : format.accuracy == Accuracy::int16Planes ? 2 : 1),
        exact(format.accuracy == Accuracy::exact),
        matrixTiles(tileRows == matrixTileRows),
        codeBytes(matrixTiles ? piecesOf() * 64 : octets() * 8 * planes),
        chunkCount(chunks()),
        scaleChunks(format.accuracy == Accuracy::int8Per128 ? chunksIn128() : 1) {}

  int64_t tiles(int64_t rows) const { return ceilDivide(rows, tile); }
  // Bytes of a chunk's codes of one row.
  int64_t chunkBytes(int64_t octets) const { return matrixTiles ? piecesFor(octets) * 64 : octets * 8 * planes; }
  int64_t tileBytes() const { return ceilDivide(tile * (codeBytes + chunkCount * (exact ? 4 : 8) + (exact ? 0 : 8)), 64) * 64; }

 private:
  int64_t piecesOf() const {
    int64_t pieces = 0;
    for (ChunkWalk c(*this); c.columns > 0; c.next()) pieces += piecesFor(c.octets());
    return pieces;
  }
};

// One tile of T rows.
struct InputTile {
  int64_t rows;
  uint8_t* codes;
  float* floatSums;  // exact
  int32_t* sums;     // integers, as what follows
  float* scales;
  int32_t* totals;
  int32_t* zeros;

  InputTile(const InputLayout& layout, const PreparedInput& input, int64_t index) {
    const int64_t left = input.rows - index * layout.tile;
    rows = left < layout.tile ? left : layout.tile;
    codes = input.data + index * layout.tileBytes();
    sums = reinterpret_cast<int32_t*>(codes + layout.codeBytes * rows);
    floatSums = reinterpret_cast<float*>(sums);
    scales = floatSums + layout.chunkCount * rows;
    totals = reinterpret_cast<int32_t*>(scales + layout.chunkCount * rows);
    zeros = totals + rows;
  }
};

}  // namespace
}  // namespace lowbit
