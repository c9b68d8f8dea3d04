// A weight in the form that a linear kernel runs: packed codes, or dense numbers as they lie in the file.
#pragma once
#include <memory>
#include <vector>

#include "../linear/linear.h"
#include "../thread-pool.h"
#include "weight-memory.h"
#include "weight-source.h"

namespace lowbit {

struct WeightForm {
  // packed: `shape` says how. dense: f32, f16 or bf16 without tables, as they are. decoded: to f32 numbers.
  enum class Kind { packed, dense, decoded };
  Kind kind;
  WeightShape shape{};
};

struct PreparedWeight {
  bool isPacked = false;
  bool asWords = false;  // its codes were moved as whole words
  PackedLinear packed{};
  DenseLinear dense{};
  // Column i of the packed weight is feature order[i] of the input; empty: i.
  std::vector<int32_t> order;
  // Of what was packed or decoded; or the part of the file that is used as it lies.
  std::shared_ptr<uint8_t> memory;
  Bytes mapped;
  size_t bytes = 0;

  int64_t outFeatures() const { return isPacked ? packed.shape.outFeatures : dense.outFeatures; }
  int64_t inFeatures() const { return isPacked ? packed.shape.inFeatures : dense.inFeatures; }
};

// Decodes and packs, block by block on all threads, and lets go of the pages of files that it has read. A weight whose features
// cannot be ordered into whole groups is decoded instead. Throws std::invalid_argument for a form that the weight does not have, std::bad_alloc.
PreparedWeight prepareWeight(const WeightSource&, const WeightForm&, ThreadPool&, WeightMemory&);

}  // namespace lowbit
