#include "thread-pool.h"

#include <algorithm>
#include <chrono>
#include <exception>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lowbit {
namespace {

// Longer than the serial work between two regions of one forward pass, far shorter than the time between two tokens.
constexpr auto spinTime = std::chrono::microseconds(50);
// Between two looks at the clock.
constexpr int pausesPerLook = 64;

inline void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int thread = 1; thread < threads; thread += 1) workers_.emplace_back([this, thread] { work(thread); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> guard(lock_);
    stop_ = true;
    epoch_.fetch_add(1);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(int64_t count, int64_t grain, const Region& region) {
  if (count <= 0) return;
  const int64_t most = std::max<int64_t>(1, count / std::max<int64_t>(1, grain));
  const int pieces = static_cast<int>(std::min<int64_t>(threads(), most));
  if (pieces == 1) {
    region(0, count, 0);
    return;
  }
  region_ = &region;
  count_ = count;
  pieces_ = pieces;
  failure_ = nullptr;
  unfinished_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  epoch_.fetch_add(1);
  if (sleeping_.load() > 0) {
    std::lock_guard<std::mutex> guard(lock_);
    wake_.notify_all();
  }
  runPiece(0);
  // The pieces are equal, so what is left to wait for is short, unless the system runs something else.
  for (int spins = 0; unfinished_.load(std::memory_order_acquire) > 0; spins += 1) {
    if (spins < 20000) pause();
    else std::this_thread::yield();
  }
  if (failure_) std::rethrow_exception(failure_);
}

void ThreadPool::runPiece(int thread) {
  if (thread >= pieces_) return;
  try {
    (*region_)(count_ * thread / pieces_, count_ * (thread + 1) / pieces_, thread);
  } catch (...) {
    std::lock_guard<std::mutex> guard(failureLock_);
    if (!failure_) failure_ = std::current_exception();
  }
}

void ThreadPool::work(int thread) {
  uint64_t seen = 0;
  for (;;) {
    const auto begin = std::chrono::steady_clock::now();
    while (epoch_.load(std::memory_order_acquire) == seen) {
      for (int i = 0; i < pausesPerLook && epoch_.load(std::memory_order_relaxed) == seen; i += 1) pause();
      if (std::chrono::steady_clock::now() - begin < spinTime) continue;
      std::unique_lock<std::mutex> guard(lock_);
      sleeping_.fetch_add(1);
      wake_.wait(guard, [&] { return epoch_.load() != seen; });
      sleeping_.fetch_sub(1);
    }
    seen += 1;
    if (stop_) return;
    runPiece(thread);
    unfinished_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace lowbit
