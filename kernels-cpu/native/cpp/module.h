// The modules of a model, their weights ready to run.
#pragma once
#include <memory>
#include <variant>
#include <vector>

#include "kv-cache.h"
#include "linear-batch.h"
#include "weights/weight-source.h"

namespace lowbit {

struct Expert {
  LinearModule gate, up, down;
};

struct MoeModule {
  std::vector<Expert> experts;
  int64_t hiddenSize = 0, intermediateSize = 0;
};

// Rows are decoded as they are looked up, from where they lie in the file.
struct EmbeddingModule {
  WeightSource table;
};

// A norm's weight and bias (or none), or a vector in `weight`.
struct NormModule {
  std::vector<float> weight, bias;
};

using Module = std::variant<LinearModule, MoeModule, EmbeddingModule, std::unique_ptr<KvCache>, NormModule>;

}  // namespace lowbit
