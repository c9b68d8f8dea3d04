// A described weight as it lies in its files, and how to decode it: w = (code - zero) * scale ... + shift.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "stored-table.h"

namespace lowbit {

// A table with one number per block of the weight. Its rows and columns count blocks.
struct BlockTable {
  StoredTable table;
  int64_t blockRows = 1, blockColumns = 1;
  bool indexed = false;     // the column is groupIndex[i]
  bool divide = false;      // of scales: divides
  bool afterwards = false;  // of scales: begins a new product
};

struct WeightSource {
  int64_t outFeatures = 0, inFeatures = 0;
  StoredTable codes;
  std::vector<BlockTable> scales;
  std::optional<BlockTable> zero, shift;
  std::vector<int32_t> groupIndex;

  // Lets go of the pages of mapped files that its tables lie in.
  void forgetPages() const;
  // Makes its tables ready. Throws std::invalid_argument where they do not reach as far as the weight.
  void makeReady();

  int64_t columnOf(const BlockTable& table, int64_t i) const {
    return table.indexed ? groupIndex[static_cast<size_t>(i)] : i / table.blockColumns;
  }

  // Row o, every operation rounded to f32, in the order that dequantizeWeight of numerics has. `scratch`: 2 * inFeatures.
  void dequantizeRow(int64_t o, float* out, float* scratch) const;
};

}  // namespace lowbit
