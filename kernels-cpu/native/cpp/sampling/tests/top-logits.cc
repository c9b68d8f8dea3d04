// The largest logits of hard rows against a sort in f64, with several numbers of threads.
#include "../top-logits.h"

#include <algorithm>

#include "../../ops/tests/checks.h"

namespace checks {
namespace {

// Whether token a comes before b.
bool comesFirst(const float* row, int32_t a, int32_t b) {
  const bool unfit = std::isnan(row[a]), otherUnfit = std::isnan(row[b]);
  if (unfit != otherUnfit) return unfit;
  if (unfit || row[a] == row[b]) return a < b;
  return row[a] > row[b];
}

double exactSum(const float* row, int64_t vocab) {
  const float largestLogit = *std::max_element(row, row + vocab);
  if (std::any_of(row, row + vocab, [](float x) { return std::isnan(x); })) return notANumber;
  if (!std::isfinite(largestLogit)) return largestLogit;
  long double sum = 0;
  for (int64_t id = 0; id < vocab; id += 1) sum += std::exp(static_cast<long double>(row[id]) - static_cast<long double>(largestLogit));
  return static_cast<double>(static_cast<long double>(largestLogit) + std::log(sum));
}

void checkInput(const HardInput& input, int64_t vocab, std::mt19937& random, Report& report) {
  std::vector<int32_t> counts = {1, 0, static_cast<int32_t>(vocab), static_cast<int32_t>(std::min<int64_t>(vocab, 40)), 0, 1};
  Numbers logits;
  for (size_t row = 0; row < counts.size(); row += 1) {
    const Numbers made = input.make(vocab, random);
    logits.insert(logits.end(), made.begin(), made.end());
  }
  const std::string title = std::string("largest logits, ") + input.name + ", " + std::to_string(vocab) + " tokens";
  std::vector<double> sums;
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    const TopLogits top = selectTopLogits(pool, Numbers(logits), {counts, true});
    const std::string where = title + ", " + std::to_string(threads) + " threads";
    size_t at = 0, summed = 0, whole = 0;
    for (size_t row = 0; row < counts.size(); row += 1) {
      const float* const own = logits.data() + static_cast<int64_t>(row) * vocab;
      const auto count = static_cast<size_t>(counts[row]);
      if (count == 0) {
        report.check(sameNumbers(top.logits.data() + static_cast<int64_t>(whole++) * vocab, own, vocab), where + ": all logits");
        continue;
      }
      std::vector<int32_t> order(static_cast<size_t>(vocab));
      for (size_t id = 0; id < order.size(); id += 1) order[id] = static_cast<int32_t>(id);
      std::sort(order.begin(), order.end(), [own](int32_t a, int32_t b) { return comesFirst(own, a, b); });
      report.check(std::equal(order.begin(), order.begin() + static_cast<int64_t>(count), top.tokenIds.begin() + static_cast<int64_t>(at)), where + ": token ids");
      bool same = true;
      for (size_t place = 0; place < count; place += 1) same = same && sameNumbers(&top.values[at + place], own + order[place], 1);
      report.check(same, where + ": logits");
      at += count;
      const double exact = exactSum(own, vocab), sum = top.logSumExp[summed++];
      // Rounding of f64: of each exponential, each addition, and the result.
      const double tolerance = 1e-15 * (static_cast<double>(vocab) + std::abs(exact));
      report.check(std::isnan(exact) ? std::isnan(sum) : sum == exact || std::abs(sum - exact) <= tolerance, where + ": the sum");
    }
    if (threads == 1) sums = top.logSumExp;
    report.check(std::memcmp(sums.data(), top.logSumExp.data(), sums.size() * sizeof(double)) == 0, where + ": the very sums of one thread");
  }
}

}  // namespace

void topLogits(std::mt19937& random, Report& report) {
  for (const int64_t vocab : {1, 40, 4096, 4097, 10000}) {
    for (const HardInput& input : hardInputs()) checkInput(input, vocab, random, report);
  }
  ThreadPool pool(2);
  report.check(selectTopLogits(pool, {}, {{}, true}).tokenIds.empty(), "largest logits: no rows");
  try {
    selectTopLogits(pool, {1, 2}, {{3}, true});
    report.check(false, "largest logits: more than there are");
  } catch (const std::invalid_argument&) {
  }
}

}  // namespace checks
