// All blocks and tiles of a forward: each block of weights meets the tiles of the input that fit the cache.
#pragma once
#include "dense-loop.h"
#include "float-loop.h"

namespace lowbit {
namespace {

// Bytes of prepared input that stay in a second-level cache beside the weights streaming through.
constexpr int64_t cachedInput = 384 * 1024;

template <class S>
struct TileRows {
  static int64_t of(Accuracy accuracy, int64_t) {
    return accuracy == Accuracy::exact ? S::floatRows : accuracy == Accuracy::int16Planes ? S::int16Rows : S::int8Rows;
  }
};

template <class S>
void forwardWith(const PackedLinear& weight, const PreparedInput& input, const LinearOutput& out, int64_t firstBlock,
                 int64_t lastBlock) {
  const Accuracy accuracy = input.format.accuracy;
  const PackedLayout layout(weight.shape);
  const InputLayout format(input.format, TileRows<S>::of(accuracy, input.rows));
  const bool exact = accuracy == Accuracy::int8PerToken && layout.wholeRow;
  const auto select = [&](int64_t rows) {
    return format.exact ? selectFloatTile<S>(weight.shape, rows)
                        : selectIntegerTile<S>(weight.shape, rows, format, exact);
  };
  const int64_t tiles = format.tiles(input.rows);
  if (tiles == 0) return;
  const Tile full = select(format.tile), last = select(input.rows - (tiles - 1) * format.tile);
  const int64_t fitting = cachedInput / format.tileBytes();
  const int64_t step = fitting < 1 ? 1 : fitting;

  for (int64_t first = 0; first < tiles; first += step) {
    const int64_t end = first + step < tiles ? first + step : tiles;
    for (int64_t block = firstBlock; block < lastBlock; block += 1) {
      for (int64_t index = first; index < end; index += 1) {
        const InputTile tile(format, input, index);
        TileJob job = {&layout, &weight.shape, weight.data + block * layout.blockBytes, &tile, &out, block * blockRows,
                       index * format.tile, 0};
        const Tile run = index == tiles - 1 ? last : full;
        const int64_t left = weight.shape.outFeatures - job.firstOutput;
        const int64_t rows = left < blockRows ? left : blockRows;
        for (; job.slice * S::vectors * S::lanes < rows; job.slice += 1) run(job);
      }
    }
  }
}

template <class S>
constexpr LinearKernels kernelsOf() {
  return {TileRows<S>::of, prepareInputRows<TileRows<S>>, prepareCodeRows<TileRows<S>>, forwardWith<S>, forwardDenseWith<S>};
}

}  // namespace
}  // namespace lowbit
