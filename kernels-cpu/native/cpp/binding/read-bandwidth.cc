#include "read-bandwidth.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "../aligned-buffer.h"

namespace lowbit {
namespace {

constexpr int64_t bufferBytes = int64_t{256} << 20;
constexpr int64_t pieceBytes = 128;
constexpr int64_t pieceWords = pieceBytes / 8;
constexpr int passes = 5;

// Independent sums, so that loads wait for nothing; fetched ahead as the linear kernels do.
uint64_t readPieces(const uint64_t* data, int64_t first, int64_t last) {
  uint64_t sums[pieceWords] = {};
  for (int64_t piece = first; piece < last; piece += 1) {
    const uint64_t* words = data + piece * pieceWords;
    __builtin_prefetch(words + 512);
    __builtin_prefetch(words + 520);
    for (int64_t i = 0; i < pieceWords; i += 1) sums[i] ^= words[i];
  }
  uint64_t sum = 0;
  for (const uint64_t one : sums) sum ^= one;
  return sum;
}

}  // namespace

double readBandwidth(ThreadPool& pool) {
  const AlignedBuffer buffer(static_cast<size_t>(bufferBytes));
  uint64_t* data = buffer.as<uint64_t>();
  // Written to: pages that nobody wrote are all the same one.
  pool.run(bufferBytes / 8, 1, [&](int64_t first, int64_t last, int) { std::fill(data + first, data + last, 0x0123456789abcdefu); });
  std::atomic<uint64_t> sum{0};
  double rates[passes];
  for (double& rate : rates) {
    const auto start = std::chrono::steady_clock::now();
    pool.run(bufferBytes / pieceBytes, 1, [&](int64_t first, int64_t last, int) { sum ^= readPieces(data, first, last); });
    rate = bufferBytes / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  std::sort(rates, rates + passes);
  return rates[passes / 2];
}

}  // namespace lowbit
