// Linears that can run at the same time: q, k and v of one input, gate and up of many experts. Inputs that are read the same
// way are made ready once; the blocks of all outputs are shared out among the threads.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "activation-quantizer.h"
#include "aligned-buffer.h"
#include "thread-pool.h"
#include "weights/prepared-weight.h"

namespace lowbit {

// How one linear runs in one phase.
struct LinearExecution {
  std::shared_ptr<const PreparedWeight> weight;
  Accuracy accuracy = Accuracy::exact;
  std::shared_ptr<const ActivationQuantizer> quantizer;
  // Integer execution with stored constants: y = (sum of codes + accumulatorBias) * scale of the weight. Empty: none.
  std::vector<double> accumulatorBias;
};

struct LinearModule {
  int64_t outFeatures = 0, inFeatures = 0;
  std::vector<float> bias;  // empty: none
  LinearExecution prefill;
  std::optional<LinearExecution> decode;

  const LinearExecution& execution(bool decoding) const { return decoding && decode ? *decode : prefill; }
};

class LinearBatch {
 public:
  LinearBatch(const LinearKernels& kernels, ThreadPool& pool) : kernels_(kernels), pool_(pool) {}

  // x [rows][inFeatures], out [rows][outFeatures]. `decoding`, of each row or null: which of them the model generated itself.
  void add(const LinearModule&, const float* x, int64_t rows, const uint8_t* decoding, float* out);
  // Runs and forgets what was added.
  void run();

 private:
  struct Input {
    const float* x = nullptr;
    int64_t rows = 0, features = 0;
    const ActivationQuantizer* quantizer = nullptr;
    const std::vector<int32_t>* order = nullptr;  // null where the weight has none
    bool packed = false, coded = false, integer = false;
    InputFormat format{};
    int64_t tiles = 0;

    // Made of x where it is quantized or reordered: numbers, or codes with scales and zero points.
    AlignedBuffer numbers, codes, scales, zeros;
    AlignedBuffer prepared;
    const float* source() const { return quantizer || order ? numbers.as<float>() : x; }
    bool readsLike(const Input& other) const;
  };
  struct Job {
    const LinearModule* module;
    const LinearExecution* execution;
    size_t input;
    int64_t rows;
    float* out;
    int64_t firstBlock;  // among the blocks of all jobs
  };

  void addRun(const LinearModule&, const LinearExecution&, const float* x, int64_t rows, float* out);
  size_t inputFor(const LinearExecution&, const float* x, int64_t rows);
  void convertRows(Input&, int64_t first, int64_t last);
  void prepareTiles(const Input&, int64_t first, int64_t last);
  void forwardBlocks(const Job&, int64_t first, int64_t last);

  const LinearKernels& kernels_;
  ThreadPool& pool_;
  std::vector<std::unique_ptr<Input>> inputs_;  // those in use, then spare ones, whose memory is used again
  size_t inputCount_ = 0;
  std::vector<Job> jobs_;
  int64_t blocks_ = 0;
};

}  // namespace lowbit
