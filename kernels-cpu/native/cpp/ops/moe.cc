// Experts: the choice for each row, and all chosen experts as one batch of linears.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "../operation.h"

namespace lowbit {
namespace {

// The `count` of `candidates`, ascending, with the highest scores; of equals, the lowest.
std::vector<int32_t> best(std::vector<int32_t> candidates, const std::vector<double>& scores, int64_t count) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](int32_t a, int32_t b) { return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)]; });
  candidates.resize(static_cast<size_t>(count));
  return candidates;
}

std::vector<int32_t> firstNumbers(int64_t count, int32_t start = 0) {
  std::vector<int32_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), start);
  return numbers;
}

std::vector<double> scoresOf(const float* logits, int64_t count, bool softmax) {
  std::vector<double> scores(logits, logits + count);
  if (!softmax) {
    for (double& score : scores) score = 1 / (1 + std::exp(-score));
    return scores;
  }
  const double most = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - most);
  for (double& score : scores) score /= sum;
  return scores;
}

// The rows that go through each expert, and at which place among the expert's rows a row's slot is.
struct Assignment {
  std::vector<std::vector<int64_t>> slots;  // of each expert: row * topK + k
};

Assignment assign(const Routing& routing, int64_t experts) {
  Assignment assignment;
  assignment.slots.resize(static_cast<size_t>(experts));
  for (size_t slot = 0; slot < routing.experts.size(); slot += 1) {
    assignment.slots.at(static_cast<size_t>(routing.experts[slot])).push_back(static_cast<int64_t>(slot));
  }
  return assignment;
}

}  // namespace

void RouteOperation::run(Run& run) const {
  const Value& logits = run.value(routerLogits);
  const int64_t experts = logits.width;
  Routing& routing = run.batch.routing;
  routing.topK = topK;
  routing.experts.assign(static_cast<size_t>(run.rows() * topK), 0);
  routing.weights.assign(routing.experts.size(), 0);
  run.pool.run(run.rows(), rowsPerThread(64 * experts), [&](int64_t first, int64_t last, int) {
    for (int64_t row = first; row < last; row += 1) {
      const std::vector<double> scores = scoresOf(logits.data() + row * experts, experts, softmax);
      std::vector<double> biased = scores;
      if (choiceBias) {
        for (size_t e = 0; e < biased.size(); e += 1) biased[e] += choiceBias->weight[e];
      }
      std::vector<int32_t> candidates = firstNumbers(experts);
      if (groups > 1) {
        const int64_t size = experts / groups;
        std::vector<double> groupScores;
        for (int64_t group = 0; group < groups; group += 1) {
          const std::vector<int32_t> two = best(firstNumbers(size, static_cast<int32_t>(group * size)), biased, std::min<int64_t>(2, size));
          double score = biased[static_cast<size_t>(two[0])];
          if (twoLargest && two.size() > 1) score += biased[static_cast<size_t>(two[1])];
          groupScores.push_back(score);
        }
        candidates.clear();
        for (const int32_t group : best(firstNumbers(groups), groupScores, chosenGroups)) {
          for (const int32_t expert : firstNumbers(size, static_cast<int32_t>(group * size))) candidates.push_back(expert);
        }
        // Of equals, the lowest expert, whatever its group's place.
        std::sort(candidates.begin(), candidates.end());
      }
      const std::vector<int32_t> chosen = best(candidates, biased, topK);
      double sum = 1;
      if (normalize) {
        sum = 0;
        for (const int32_t expert : chosen) sum += scores[static_cast<size_t>(expert)];
      }
      for (int64_t k = 0; k < topK; k += 1) {
        const int32_t expert = chosen[static_cast<size_t>(k)];
        routing.experts[static_cast<size_t>(row * topK + k)] = expert;
        routing.weights[static_cast<size_t>(row * topK + k)] = static_cast<float>(scores[static_cast<size_t>(expert)] / sum * scale);
      }
    }
  });
}

void ExpertsOperation::run(Run& run) const {
  const Routing& routing = run.batch.routing;
  const int64_t hidden = module->hiddenSize, intermediate = module->intermediateSize, topK = routing.topK;
  const auto total = static_cast<int64_t>(routing.experts.size());
  const Assignment assignment = assign(routing, static_cast<int64_t>(module->experts.size()));
  const Value &in = run.value(input), &out = run.value(output);

  // Rows sorted by expert: place p holds the row of slot order[p], and place[slot] finds it again.
  std::vector<int64_t> order, place(static_cast<size_t>(total));
  for (const std::vector<int64_t>& slots : assignment.slots) {
    for (const int64_t slot : slots) {
      place[static_cast<size_t>(slot)] = static_cast<int64_t>(order.size());
      order.push_back(slot);
    }
  }
  const auto numbers = [](int64_t count) { return AlignedBuffer(static_cast<size_t>(count) * sizeof(float)); };
  const AlignedBuffer gathered = numbers(total * hidden), gate = numbers(total * intermediate), up = numbers(total * intermediate),
                      down = numbers(total * hidden);
  std::vector<uint8_t> decoding(static_cast<size_t>(total));
  run.pool.run(total, rowsPerThread(hidden), [&](int64_t first, int64_t last, int) {
    for (int64_t p = first; p < last; p += 1) {
      const int64_t row = order[static_cast<size_t>(p)] / topK;
      std::memcpy(gathered.as<float>() + p * hidden, in.data() + row * in.width, static_cast<size_t>(hidden) * sizeof(float));
      decoding[static_cast<size_t>(p)] = run.batch.decoding[static_cast<size_t>(row)];
    }
  });

  const auto forEachExpert = [&](auto f) {
    int64_t first = 0;
    for (size_t e = 0; e < assignment.slots.size(); e += 1) {
      const auto rows = static_cast<int64_t>(assignment.slots[e].size());
      if (rows > 0) f(module->experts[e], first, rows);
      first += rows;
    }
  };
  forEachExpert([&](const Expert& expert, int64_t first, int64_t rows) {
    const float* x = gathered.as<float>() + first * hidden;
    run.linears.add(expert.gate, x, rows, decoding.data() + first, gate.as<float>() + first * intermediate);
    run.linears.add(expert.up, x, rows, decoding.data() + first, up.as<float>() + first * intermediate);
  });
  run.linears.run();
  run.pool.run(total, rowsPerThread(intermediate), [&](int64_t first, int64_t last, int) {
    float* gated = gate.as<float>() + first * intermediate;
    run.kernels.siluMul(gated, up.as<float>() + first * intermediate, (last - first) * intermediate, gated);
  });
  forEachExpert([&](const Expert& expert, int64_t first, int64_t rows) {
    run.linears.add(expert.down, gate.as<float>() + first * intermediate, rows, decoding.data() + first, down.as<float>() + first * hidden);
  });
  run.linears.run();

  // Added expert by expert in their order, whatever the batch.
  run.pool.run(run.rows(), rowsPerThread(hidden * topK), [&](int64_t first, int64_t last, int) {
    std::vector<double> sums(static_cast<size_t>(hidden));
    for (int64_t row = first; row < last; row += 1) {
      std::vector<int64_t> slots(static_cast<size_t>(topK));
      std::iota(slots.begin(), slots.end(), row * topK);
      std::sort(slots.begin(), slots.end(), [&](int64_t a, int64_t b) { return place[static_cast<size_t>(a)] < place[static_cast<size_t>(b)]; });
      std::fill(sums.begin(), sums.end(), 0.0);
      for (const int64_t slot : slots) {
        const double weight = routing.weights[static_cast<size_t>(slot)];
        const float* y = down.as<float>() + place[static_cast<size_t>(slot)] * hidden;
        for (int64_t i = 0; i < hidden; i += 1) sums[static_cast<size_t>(i)] += weight * y[i];
      }
      for (int64_t i = 0; i < hidden; i += 1) out.data()[row * hidden + i] = static_cast<float>(sums[static_cast<size_t>(i)]);
    }
  });
}

}  // namespace lowbit
