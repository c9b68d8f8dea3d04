#include "weight-memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace lowbit {
namespace {

constexpr size_t alignment = 64;
constexpr size_t pieceSize = size_t{256} << 20;
constexpr size_t hugePage = size_t{2} << 20;

std::shared_ptr<uint8_t> map(size_t size) {
  const size_t mapped = size + hugePage;
  if (mapped < size) throw std::bad_alloc();
  void* start = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) throw std::bad_alloc();
  const auto address = reinterpret_cast<uintptr_t>(start);
  auto* data = reinterpret_cast<uint8_t*>((address + hugePage - 1) / hugePage * hugePage);
#if defined(MADV_HUGEPAGE)
  // A wish: half the time of writing pages for the first time is the system's, page by page.
  madvise(data, size, MADV_HUGEPAGE);
#endif
  return {data, [start, mapped](uint8_t*) { munmap(start, mapped); }};
}

}  // namespace

std::shared_ptr<uint8_t> WeightMemory::take(size_t size) {
  if (size > SIZE_MAX - alignment) throw std::bad_alloc();
  const size_t rounded = (size + alignment - 1) / alignment * alignment;
  if (rounded > left_) {
    const size_t wanted = std::max(rounded, pieceSize);
    piece_ = map(wanted);
    left_ = wanted;
    used_ = 0;
  }
  std::shared_ptr<uint8_t> part(piece_, piece_.get() + used_);
  used_ += rounded;
  left_ -= rounded;
  return part;
}

}  // namespace lowbit
