#include "top-logits.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <stdexcept>

namespace lowbit {
namespace {

// Tokens that one thread looks at in one go; sums are added up by these, whatever the number of threads.
constexpr int64_t pieceTokens = 4096;

// A token and its logit as one number, the larger the better: NaN above all numbers, both zeros equal, of equals the lowest id.
using Candidate = uint64_t;

inline Candidate candidateOf(float logit, uint32_t tokenId) {
  uint32_t bits;
  std::memcpy(&bits, &logit, sizeof bits);
  constexpr uint32_t sign = 0x80000000u;
  uint32_t order = bits & sign ? ~bits : bits | sign;
  if (bits == sign) order = sign;
  if ((bits & ~sign) > 0x7f800000u) order = 0xffffffffu;
  return static_cast<Candidate>(order) << 32 | (0xffffffffu - tokenId);
}

inline uint32_t tokenOf(Candidate candidate) { return 0xffffffffu - static_cast<uint32_t>(candidate); }

struct Piece {
  std::vector<Candidate> best;  // in no order
  float largest = 0;            // of its logits
  double sum = 0;               // of exp(logit - largest)
};

// The `count` best of logits `first` to `last`.
void findBest(const float* row, int64_t first, int64_t last, size_t count, std::vector<Candidate>& best) {
  best.clear();
  // The least of the best is in front.
  const auto later = std::greater<Candidate>();
  for (int64_t id = first; id < last; id += 1) {
    const Candidate candidate = candidateOf(row[id], static_cast<uint32_t>(id));
    if (best.size() < count) {
      best.push_back(candidate);
      std::push_heap(best.begin(), best.end(), later);
    } else if (candidate > best.front()) {
      std::pop_heap(best.begin(), best.end(), later);
      best.back() = candidate;
      std::push_heap(best.begin(), best.end(), later);
    }
  }
}

void sumUp(const float* row, int64_t first, int64_t last, Piece& piece) {
  piece.largest = row[tokenOf(*std::max_element(piece.best.begin(), piece.best.end()))];
  piece.sum = 0;
  // Otherwise the row has no sum, or this piece adds nothing to it.
  if (!std::isfinite(piece.largest)) return;
  for (int64_t id = first; id < last; id += 1) piece.sum += std::exp(static_cast<double>(row[id]) - static_cast<double>(piece.largest));
}

double logSumExp(const Piece* first, const Piece* last, float largest) {
  if (!std::isfinite(largest)) return largest;
  double sum = 0;
  for (const Piece* piece = first; piece != last; ++piece) {
    if (std::isfinite(piece->largest)) sum += piece->sum * std::exp(static_cast<double>(piece->largest) - static_cast<double>(largest));
  }
  return static_cast<double>(largest) + std::log(sum);
}

struct ChosenRow {
  const float* logits;
  size_t count, at;  // place of its first token in the answer
};

}  // namespace

TopLogits selectTopLogits(ThreadPool& pool, std::vector<float>&& logits, const TopRequest& request) {
  TopLogits top;
  const auto rows = request.counts.size();
  const auto vocab = static_cast<int64_t>(rows == 0 ? 0 : logits.size() / rows);
  std::vector<ChosenRow> chosen;
  size_t total = 0;
  for (size_t row = 0; row < rows; row += 1) {
    const int32_t count = request.counts[row];
    if (count < 0 || count > vocab) throw std::invalid_argument("more logits asked for than there are");
    const float* const begin = logits.data() + row * static_cast<size_t>(vocab);
    if (count > 0) chosen.push_back({begin, static_cast<size_t>(count), total});
    total += static_cast<size_t>(count);
  }
  if (chosen.empty()) {
    top.logits = std::move(logits);
    return top;
  }
  for (size_t row = 0; row < rows; row += 1) {
    const float* const begin = logits.data() + row * static_cast<size_t>(vocab);
    if (request.counts[row] == 0) top.logits.insert(top.logits.end(), begin, begin + vocab);
  }

  const int64_t piecesEach = (vocab + pieceTokens - 1) / pieceTokens;
  std::vector<Piece> pieces(chosen.size() * static_cast<size_t>(piecesEach));
  pool.run(static_cast<int64_t>(pieces.size()), 1, [&](int64_t first, int64_t last, int) {
    for (int64_t index = first; index < last; index += 1) {
      const ChosenRow& row = chosen[static_cast<size_t>(index / piecesEach)];
      const int64_t begin = index % piecesEach * pieceTokens, end = std::min(vocab, begin + pieceTokens);
      Piece& piece = pieces[static_cast<size_t>(index)];
      findBest(row.logits, begin, end, row.count, piece.best);
      if (request.logSumExp) sumUp(row.logits, begin, end, piece);
    }
  });

  top.tokenIds.resize(total);
  top.values.resize(total);
  if (request.logSumExp) top.logSumExp.resize(chosen.size());
  pool.run(static_cast<int64_t>(chosen.size()), 1, [&](int64_t first, int64_t last, int) {
    std::vector<Candidate> all;
    for (int64_t index = first; index < last; index += 1) {
      const ChosenRow& row = chosen[static_cast<size_t>(index)];
      const Piece* const own = pieces.data() + index * piecesEach;
      all.clear();
      for (int64_t piece = 0; piece < piecesEach; piece += 1) all.insert(all.end(), own[piece].best.begin(), own[piece].best.end());
      const auto end = all.begin() + static_cast<int64_t>(row.count);
      if (end != all.end()) std::nth_element(all.begin(), end, all.end(), std::greater<Candidate>());
      std::sort(all.begin(), end, std::greater<Candidate>());
      for (size_t place = 0; place < row.count; place += 1) {
        const uint32_t id = tokenOf(all[place]);
        top.tokenIds[row.at + place] = static_cast<int32_t>(id);
        top.values[row.at + place] = row.logits[id];
      }
      if (request.logSumExp) top.logSumExp[static_cast<size_t>(index)] = logSumExp(own, own + piecesEach, top.values[row.at]);
    }
  });
  return top;
}

}  // namespace lowbit
