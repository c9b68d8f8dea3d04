// The largest logits of rows, as TopRequest and TopLogits of @lowbit/core say, on all threads.
#pragma once
#include <cstdint>
#include <vector>

#include "../thread-pool.h"

namespace lowbit {

struct TopRequest {
  std::vector<int32_t> counts;  // of each row; 0: all of its logits
  bool logSumExp = false;
};

struct TopLogits {
  std::vector<int32_t> tokenIds;
  std::vector<float> values;
  std::vector<double> logSumExp;  // empty where not asked for
  std::vector<float> logits;
};

// `logits` are as many rows as counts, of equal length. The same bits for any number of threads. Throws std::invalid_argument for a
// count that is not 0 to that length.
TopLogits selectTopLogits(ThreadPool&, std::vector<float>&& logits, const TopRequest&);

}  // namespace lowbit
