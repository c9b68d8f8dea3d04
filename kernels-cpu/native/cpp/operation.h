// The operations of a program, each with the values and modules that it works on. What they mean: program.ts of core.
// Indices are checked when an operation is made; widths and modules are the caller's to have checked, as plan-program.ts does.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "module.h"
#include "run.h"

namespace lowbit {

class Operation {
 public:
  virtual ~Operation() = default;
  virtual void run(Run&) const = 0;
};

struct EmbeddingOperation final : Operation {
  const EmbeddingModule* module;
  size_t output;
  void run(Run&) const override;
};

struct RmsNormOperation final : Operation {
  const NormModule* module;
  size_t input, output;
  double epsilon;
  void run(Run&) const override;
};

struct ConcatOperation final : Operation {
  struct Part {
    size_t input;
    int64_t start, stride, size;
  };
  size_t output;
  int64_t heads;
  std::vector<Part> parts;
  void run(Run&) const override;
};

struct LinearOperation final : Operation {
  struct Part {
    const LinearModule* module;
    size_t output;
  };
  size_t input;
  std::vector<Part> parts;
  void run(Run&) const override;
};

struct RopeOperation final : Operation {
  std::vector<size_t> values;
  int64_t headSize, offset;
  std::shared_ptr<const std::vector<double>> inverseFrequencies;  // operations with the same share one
  double attentionFactor;
  bool interleaved;
  void run(Run&) const override;
};

struct AttentionOperation final : Operation {
  KvCache* cache;
  size_t query, key, value, output;
  int64_t numHeads;
  float scale;
  int64_t slidingWindow;  // 0: none
  bool precise;           // adds up in f64
  void run(Run&) const override;
};

struct SiluMulOperation final : Operation {
  size_t gate, up, output;
  void run(Run&) const override;
};

// Chooses experts; ExpertsOperation then runs them.
struct RouteOperation final : Operation {
  size_t routerLogits;
  int64_t topK;
  bool softmax, normalize;
  double scale;
  const NormModule* choiceBias;  // null: none
  int64_t groups = 1, chosenGroups = 1;
  bool twoLargest = false;
  void run(Run&) const override;
};

struct ExpertsOperation final : Operation {
  const MoeModule* module;
  size_t input, output;
  void run(Run&) const override;
};

struct SigmoidMulOperation final : Operation {
  size_t gate, input, output;
  void run(Run&) const override;
};

struct AddOperation final : Operation {
  size_t left, right, output;
  void run(Run&) const override;
};

struct LogitsOperation final : Operation {
  const LinearModule* module;
  size_t input;
  void run(Run&) const override;
};

}  // namespace lowbit
