// What the machine can do at best, measured in the same rounds as the kernels: reading memory, and VNNI from registers.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace bench {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Threads that spin between jobs: the caller is thread 0.
class Team {
 public:
  explicit Team(int size) : size_(size) {
    for (int i = 1; i < size; i += 1) workers_.emplace_back([this, i] { work(i); });
  }
  ~Team() {
    run(nullptr);
    for (std::thread& worker : workers_) worker.join();
  }
  int size() const { return size_; }
  void run(const std::function<void(int)>& job) {
    job_ = &job;
    stop_ = !job;
    done_.store(0);
    epoch_.fetch_add(1);
    if (job) job(0);
    while (job && done_.load() < size_ - 1) pause();
  }

 private:
  static void pause() {
#if defined(__x86_64__)
    _mm_pause();
#endif
  }
  void work(int index) {
    for (int seen = 0;; seen += 1) {
      while (epoch_.load() == seen) pause();
      if (stop_) return;
      (*job_)(index);
      done_.fetch_add(1);
    }
  }
  int size_;
  std::vector<std::thread> workers_;
  const std::function<void(int)>* job_ = nullptr;
  std::atomic<bool> stop_{false};
  alignas(64) std::atomic<int> epoch_{0};
  alignas(64) std::atomic<int> done_{0};
};

#if defined(__x86_64__)

__attribute__((target("avx2"))) inline uint64_t readAll(const uint8_t* p, size_t bytes) {
  __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
  for (size_t i = 0; i + 128 <= bytes; i += 128) {
    const __m256i* v = reinterpret_cast<const __m256i*>(p + i);
    _mm_prefetch(reinterpret_cast<const char*>(p + i + 4096), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(p + i + 4160), _MM_HINT_T0);
    a = _mm256_xor_si256(a, _mm256_load_si256(v));
    b = _mm256_xor_si256(b, _mm256_load_si256(v + 1));
    c = _mm256_xor_si256(c, _mm256_load_si256(v + 2));
    d = _mm256_xor_si256(d, _mm256_load_si256(v + 3));
  }
  a = _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d));
  return static_cast<uint64_t>(_mm256_extract_epi64(a, 0));
}

// Twelve independent chains of vpdpbusd; returns operations (a product and its addition count as two).
__attribute__((target("avx512f,avx512vnni"))) inline double vnniOperations(int64_t turns) {
  __m512i s[12], x = _mm512_set1_epi8(1), y = _mm512_set1_epi8(2);
  for (__m512i& v : s) v = _mm512_setzero_si512();
  for (int64_t i = 0; i < turns; i += 1) {
#pragma GCC unroll 12
    for (__m512i& v : s) v = _mm512_dpbusd_epi32(v, x, y);
    __asm__ volatile("" : "+v"(x), "+v"(y));
  }
  for (__m512i& v : s) __asm__ volatile("" : "+v"(v));
  return static_cast<double>(turns) * 12 * 64 * 2;
}

#else

inline uint64_t readAll(const uint8_t* p, size_t bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i + 8 <= bytes; i += 8) sum ^= *reinterpret_cast<const uint64_t*>(p + i);
  return sum;
}

#endif

}  // namespace bench
