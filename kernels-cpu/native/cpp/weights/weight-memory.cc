#include "weight-memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace lowbit {
namespace {

constexpr size_t alignment = 64;
constexpr size_t pieceSize = size_t{256} << 20;
constexpr size_t hugePage = size_t{2} << 20;
constexpr size_t smallPage = 4096;  // no system has smaller ones
constexpr size_t largestAhead = size_t{32} << 20;

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

std::shared_ptr<uint8_t> WeightMemory::take(size_t size, ThreadPool& pool) {
  if (size > SIZE_MAX - alignment) throw std::bad_alloc();
  const size_t rounded = (size + alignment - 1) / alignment * alignment;
  if (rounded > size_ - used_) {
    size_ = std::max(rounded, pieceSize);
    piece_ = map(size_);
    used_ = fetched_ = 0;
  }
  std::shared_ptr<uint8_t> part(piece_, piece_.get() + used_);
  used_ += rounded;
  total_ += rounded;
  if (used_ > fetched_) fetchPages(pool);
  return part;
}

void WeightMemory::fetchPages(ThreadPool& pool) {
  // What may turn out to be too much is a sixteenth of everything.
  const size_t ahead = std::min(largestAhead, total_ / 16);
  const size_t end = std::min(size_, (used_ + ahead + hugePage - 1) / hugePage * hugePage);
  volatile uint8_t* start = piece_.get() + fetched_;
  const size_t wanted = end - fetched_;
  const auto pages = static_cast<int64_t>((wanted + hugePage - 1) / hugePage);
  pool.run(pages, 1, [&](int64_t first, int64_t last, int) {
    const size_t stop = std::min(wanted, static_cast<size_t>(last) * hugePage);
    for (size_t at = static_cast<size_t>(first) * hugePage; at < stop; at += smallPage) start[at] = 0;
  });
  fetched_ = end;
}

}  // namespace lowbit
