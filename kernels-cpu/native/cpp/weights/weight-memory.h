// Memory for packed weights: large pieces of fresh pages, cut up in turn. Pages cost nothing until they are written, and
// where the system has huge ones, it hands those out.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace lowbit {

class WeightMemory {
 public:
  // Aligned to 64; not initialized. Throws std::bad_alloc. One thread at a time.
  std::shared_ptr<uint8_t> take(size_t size);

 private:
  std::shared_ptr<uint8_t> piece_;
  size_t left_ = 0, used_ = 0;
};

}  // namespace lowbit
