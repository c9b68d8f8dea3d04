// Threads that live as long as a model. A region runs one function over a range, cut into one contiguous piece per thread;
// the thread that asks is one of them. Workers spin for a short while between regions, then sleep.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lowbit {

class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // f(first, last, thread) over pieces of [0, count). Returns when all are done; rethrows the first exception. A range
  // shorter than 2 * grain runs where it is. From one thread at a time, and not from inside a region.
  using Region = std::function<void(int64_t first, int64_t last, int thread)>;
  void run(int64_t count, int64_t grain, const Region& region);

 private:
  void work(int thread);
  void runPiece(int thread);

  std::vector<std::thread> workers_;
  const Region* region_ = nullptr;
  int64_t count_ = 0;
  int pieces_ = 0;
  std::exception_ptr failure_;
  std::mutex failureLock_;

  // Apart, so that waiting threads and finishing ones do not fight for one cache line.
  alignas(64) std::atomic<uint64_t> epoch_{0};
  alignas(64) std::atomic<int> unfinished_{0};
  alignas(64) std::atomic<int> sleeping_{0};
  std::atomic<bool> stop_{false};
  std::mutex lock_;
  std::condition_variable wake_;
};

}  // namespace lowbit
