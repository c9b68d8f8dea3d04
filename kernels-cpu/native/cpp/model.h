// A model in memory: modules, the program over them, and what runs share. One call at a time.
#pragma once
#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "module.h"
#include "operation.h"
#include "run.h"
#include "thread-pool.h"

namespace lowbit {

// Operations of the instruction set of the linear kernels.
const OperationKernels& operationKernels(InstructionSet);

class Model {
 public:
  Model(int threads, InstructionSet set)
      : pool_(threads), linears_(linearKernels(set), pool_), operations_(operationKernels(set)), scratch_(static_cast<size_t>(threads)) {}

  ThreadPool& pool() { return pool_; }

  // Modules stay where they are. Returns the index.
  size_t add(Module&& module) {
    modules_.push_back(std::move(module));
    return modules_.size() - 1;
  }
  // Throws std::invalid_argument where module `index` is not there or of another kind.
  template <typename T>
  T& module(size_t index) {
    T* found = index < modules_.size() ? std::get_if<T>(&modules_[index]) : nullptr;
    if (!found) throw std::invalid_argument("module " + std::to_string(index) + " is not of the kind that an operation needs");
    return *found;
  }

  void setProgram(const std::vector<int64_t>& widths, std::vector<std::unique_ptr<Operation>> operations);
  size_t valueCount() const { return values_.size(); }

  struct Input {
    size_t value;
    std::vector<float> numbers;
  };
  // Logits, or the value `output` where that is not negative. Throws std::runtime_error once cancelled or interrupted.
  std::vector<float> run(Batch& batch, const std::vector<Input>& inputs, int64_t output);
  // From any thread: what runs ends before its next operation, and nothing runs after.
  void cancel() { cancelled_ = true; }
  // Likewise, until a run is allowed again.
  void interrupt(bool wanted) { interrupted_ = wanted; }

 private:
  ThreadPool pool_;
  LinearBatch linears_;
  const OperationKernels& operations_;
  std::deque<Module> modules_;
  std::vector<Value> values_;
  std::vector<std::unique_ptr<Operation>> program_;
  std::vector<AlignedBuffer> scratch_;
  std::atomic<bool> cancelled_{false}, interrupted_{false};
};

}  // namespace lowbit
