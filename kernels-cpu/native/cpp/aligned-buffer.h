// Memory aligned to cache lines, not initialized. Grows and never shrinks; what it held is lost when it grows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace lowbit {

class AlignedBuffer {
 public:
  static constexpr size_t alignment = 64;

  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t size) { reserve(size); }
  AlignedBuffer(AlignedBuffer&& other) noexcept { *this = std::move(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~AlignedBuffer() { std::free(data_); }

  // Throws std::bad_alloc.
  void reserve(size_t size) {
    if (size <= size_) return;
    std::free(data_);
    data_ = nullptr;
    size_ = 0;
    const size_t rounded = (size + alignment - 1) / alignment * alignment;
    if (rounded < size) throw std::bad_alloc();
    data_ = std::aligned_alloc(alignment, rounded);
    if (!data_) throw std::bad_alloc();
    size_ = rounded;
  }

  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  size_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace lowbit
