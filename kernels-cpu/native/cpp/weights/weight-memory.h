// Memory for packed weights: large pieces of fresh pages, cut up in turn. Pages cost nothing until they are written. Huge ones
// are wished for as long as they come quickly.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "../thread-pool.h"

namespace lowbit {

class WeightMemory {
 public:
  // Aligned to 64; not initialized. The threads fetch its pages from the system, each its own, and some more for the weights
  // to come: neighbouring ones share huge pages. Throws std::bad_alloc. One caller at a time.
  std::shared_ptr<uint8_t> take(size_t size, ThreadPool&);

 private:
  void fetchPages(ThreadPool&);

  std::shared_ptr<uint8_t> piece_;
  size_t size_ = 0, used_ = 0, fetched_ = 0;  // of the piece
  size_t total_ = 0;
  bool huge_ = true;
};

}  // namespace lowbit
