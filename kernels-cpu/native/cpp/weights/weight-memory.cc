#include "weight-memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <new>

namespace lowbit {
namespace {

constexpr size_t alignment = 64;
constexpr size_t pieceSize = size_t{256} << 20;
constexpr size_t hugePage = size_t{2} << 20;
constexpr size_t smallPage = 4096;  // no system has smaller ones
constexpr double slowestHuge = 1e9;    // bytes per second
constexpr size_t largestAhead = size_t{32} << 20;

void wishForHugePages(uint8_t* start, size_t size, bool huge) {
#if defined(MADV_HUGEPAGE)
  madvise(start, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#else
  (void)start, (void)size, (void)huge;
#endif
}

// From a multiple of the huge page's size on.
std::shared_ptr<uint8_t> map(size_t size) {
  const size_t mapped = size + hugePage;
  if (mapped < size) throw std::bad_alloc();
  void* start = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) throw std::bad_alloc();
  const auto address = reinterpret_cast<uintptr_t>(start);
  auto* data = reinterpret_cast<uint8_t*>((address + hugePage - 1) / hugePage * hugePage);
  return {data, [start, mapped](uint8_t*) { munmap(start, mapped); }};
}

}  // namespace

std::shared_ptr<uint8_t> WeightMemory::take(size_t size, ThreadPool& pool) {
  if (size > SIZE_MAX - alignment) throw std::bad_alloc();
  const size_t rounded = (size + alignment - 1) / alignment * alignment;
  if (rounded > size_ - used_) {
    size_ = std::max(rounded, pieceSize);
    piece_ = map(size_);
    wishForHugePages(piece_.get(), size_, huge_);
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
  const auto begin = std::chrono::steady_clock::now();
  pool.run(pages, 1, [&](int64_t first, int64_t last, int) {
    const size_t stop = std::min(wanted, static_cast<size_t>(last) * hugePage);
    for (size_t at = static_cast<size_t>(first) * hugePage; at < stop; at += smallPage) start[at] = 0;
  });
  fetched_ = end;
  // In a virtual machine whose host has to find the memory first, huge pages cost several times what small ones do, which are
  // more often in use already: 1 GB took 6 s instead of 3. Where memory is at hand it takes 0.05 s, and 0.2 s in small ones.
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  if (huge_ && static_cast<double>(wanted) < slowestHuge * seconds.count()) {
    huge_ = false;
    wishForHugePages(piece_.get() + end, size_ - end, false);
  }
}

}  // namespace lowbit
