// One batch on its way through a program: the values that operations read and write, and what they share.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <vector>

#include "aligned-buffer.h"
#include "linear-batch.h"
#include "ops/operation-kernels.h"
#include "thread-pool.h"

namespace lowbit {

struct BatchSequence {
  int64_t firstRow, rows;
  std::vector<int32_t> blocks;
  bool decoding;
};

// Which experts each row goes through and how much each counts, [rows][topK].
struct Routing {
  int64_t topK = 0;
  std::vector<int32_t> experts;
  std::vector<float> weights;
};

struct Batch {
  std::vector<int32_t> tokenIds, positions;
  std::vector<BatchSequence> sequences;
  std::vector<int32_t> logitRows;
  std::vector<uint8_t> decoding;  // of each row
  Routing routing;                // given from outside, or made by the program
  int64_t rows() const { return static_cast<int64_t>(decoding.size()); }
};

// Numbers [rows][width] under one index.
struct Value {
  int64_t width;
  AlignedBuffer memory;
  float* data() const { return memory.as<float>(); }
};

// Cosines and sines of the batch's positions, [rows][frequencies].
struct RopeTable {
  std::vector<float> cosines, sines;
};

struct Run {
  Batch& batch;
  std::vector<Value>& values;
  ThreadPool& pool;
  LinearBatch& linears;
  const OperationKernels& kernels;
  std::vector<AlignedBuffer>& scratch;  // of each thread
  std::map<const std::vector<double>*, RopeTable> ropeTables;
  std::vector<float> logits;

  int64_t rows() const { return batch.rows(); }
  Value& value(size_t index) { return values.at(index); }
};

// Rows of `width` numbers that are worth a thread of their own.
inline int64_t rowsPerThread(int64_t width) { return width >= 8192 ? 1 : 8192 / (width < 1 ? 1 : width); }

}  // namespace lowbit
