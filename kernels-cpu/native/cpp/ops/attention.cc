// Attention over the paged cache, cut into tiles of rows and key/value heads for the threads.
#include <algorithm>

#include "../operation.h"

namespace lowbit {
namespace {

// Rows that share what is read of keys and values. Scores of a tile stay within a thread's share of the second-level cache.
constexpr int64_t mostRows = 8;
constexpr int64_t mostScores = 128 * 1024;

int64_t tileRows(int64_t rows, int64_t heads, int64_t positions) {
  return std::max<int64_t>(1, std::min({rows, mostRows, mostScores / (heads * positions)}));
}

struct Tile {
  const BatchSequence* sequence;
  int64_t firstRow, rows, kvHead, firstHead, heads;
};

}  // namespace

void AttentionOperation::run(Run& run) const {
  const int64_t kvHeads = cache->kvHeads, headSize = cache->headSize, valueHeadSize = cache->valueHeadSize;
  const int64_t headsPerKvHead = numHeads / kvHeads;
  const float* queries = run.value(query).data();
  const float* keys = run.value(key).data();
  const float* values = run.value(value).data();
  float* outputs = run.value(output).data();
  const int32_t* positions = run.batch.positions.data();

  // Few tiles leave threads without work: then the query heads of a key/value head are shared out too.
  int64_t wholeTiles = 0;
  for (const BatchSequence& sequence : run.batch.sequences) wholeTiles += (sequence.rows + mostRows - 1) / mostRows * kvHeads;
  const int64_t parts = std::clamp<int64_t>(run.pool.threads() / std::max<int64_t>(1, wholeTiles), 1, headsPerKvHead);

  std::vector<Tile> tiles;
  int64_t scratch = 0;
  for (const BatchSequence& sequence : run.batch.sequences) {
    const int64_t length = positions[sequence.firstRow + sequence.rows - 1] + 1;
    const int64_t rows = tileRows(sequence.rows, headsPerKvHead, length);
    // Rows see those before them: all keys and values first. Where a tile has all rows and heads, it keeps those of its head itself.
    if (rows < sequence.rows || parts > 1) {
      run.pool.run(sequence.rows, rowsPerThread(4 * kvHeads * headSize), [&](int64_t first, int64_t last, int) {
        for (int64_t row = sequence.firstRow + first; row < sequence.firstRow + last; row += 1) {
          cache->write(sequence.blocks.data(), positions[row], keys + row * kvHeads * headSize, values + row * kvHeads * valueHeadSize);
        }
      });
    }
    scratch = std::max(scratch, attentionScratch(rows, headsPerKvHead, length, headSize, valueHeadSize));
    for (int64_t kvHead = 0; kvHead < kvHeads; kvHead += 1) {
      for (int64_t row = 0; row < sequence.rows; row += rows) {
        for (int64_t part = 0; part < parts; part += 1) {
          const int64_t first = headsPerKvHead * part / parts, end = headsPerKvHead * (part + 1) / parts;
          tiles.push_back({&sequence, sequence.firstRow + row, std::min(rows, sequence.rows - row), kvHead, kvHead * headsPerKvHead + first, end - first});
        }
      }
    }
  }

  run.pool.run(static_cast<int64_t>(tiles.size()), 1, [&](int64_t first, int64_t last, int thread) {
    AlignedBuffer& memory = run.scratch[static_cast<size_t>(thread)];
    memory.reserve(static_cast<size_t>(scratch) * sizeof(float));
    for (int64_t i = first; i < last; i += 1) {
      const Tile& tile = tiles[static_cast<size_t>(i)];
      const bool keeps = parts == 1 && tile.rows == tile.sequence->rows;
      for (int64_t row = tile.firstRow; keeps && row < tile.firstRow + tile.rows; row += 1) {
        cache->writeHead(tile.sequence->blocks.data(), positions[row], tile.kvHead, keys + (row * kvHeads + tile.kvHead) * headSize,
                         values + (row * kvHeads + tile.kvHead) * valueHeadSize);
      }
      AttentionTile args;
      args.query = queries + (tile.firstRow * numHeads + tile.firstHead) * headSize;
      args.queryStride = numHeads * headSize;
      args.output = outputs + (tile.firstRow * numHeads + tile.firstHead) * valueHeadSize;
      args.outputStride = numHeads * valueHeadSize;
      args.rows = tile.rows;
      args.heads = tile.heads;
      args.kvHead = tile.kvHead;
      args.firstPosition = positions[tile.firstRow];
      args.slidingWindow = slidingWindow;
      args.scale = scale;
      args.keys = cache->keys();
      args.values = cache->values();
      args.blocks = tile.sequence->blocks.data();
      args.blockSize = cache->blockSize;
      args.scratch = memory.as<float>();
      (precise ? run.kernels.attendPrecisely : run.kernels.attend)(args);
    }
  });
}

}  // namespace lowbit
