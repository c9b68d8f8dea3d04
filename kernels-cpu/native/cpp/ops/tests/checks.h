// Inputs that break kernels, and what is compared with what.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "../../model.h"

namespace checks {

using namespace lowbit;

using Numbers = std::vector<float>;

constexpr float largest = std::numeric_limits<float>::max();
constexpr float smallest = std::numeric_limits<float>::denorm_min();
constexpr float notANumber = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr double epsilon = 1.0 / (1 << 24);  // half the distance of f32 numbers, relative

class Report {
 public:
  bool check(bool passed, const std::string& what) {
    checked_ += 1;
    if (!passed && ++failures_ <= 20) std::printf("FAIL %s\n", what.c_str());
    return passed;
  }
  void print(const std::string& part) {
    std::printf("%-9s %lld checks\n", part.c_str(), static_cast<long long>(checked_));
    checked_ = 0;
  }
  int64_t failures() const { return failures_; }

 private:
  int64_t checked_ = 0, failures_ = 0;
};

inline Numbers gaussian(int64_t count, std::mt19937& random, float factor = 1) {
  std::normal_distribution<float> normal;
  Numbers x(static_cast<size_t>(count));
  for (float& value : x) value = normal(random) * factor;
  return x;
}

struct HardInput {
  const char* name;
  std::function<Numbers(int64_t count, std::mt19937&)> make;
  bool finite = true;
};

inline const std::vector<HardInput>& hardInputs() {
  const auto with = [](float special) {
    return [special](int64_t count, std::mt19937& random) {
      Numbers x = gaussian(count, random);
      x[random() % x.size()] = special;
      return x;
    };
  };
  const auto times = [](float factor) {
    return [factor](int64_t count, std::mt19937& random) { return gaussian(count, random, factor); };
  };
  const auto all = [](float value) { return [value](int64_t count, std::mt19937&) { return Numbers(static_cast<size_t>(count), value); }; };
  static const std::vector<HardInput> inputs = {
      {"gaussian", times(1)},
      {"all equal", all(-0.75f)},
      {"zeros", all(0)},
      {"negative zeros", all(-0.0f)},
      {"hundreds", times(100)},
      {"1e15", times(1e15f)},
      {"1e30", times(1e30f)},
      {"the largest of each sign",
       [](int64_t count, std::mt19937& random) {
         Numbers x(static_cast<size_t>(count));
         for (float& value : x) value = random() % 2 ? largest : -largest;
         return x;
       }},
      {"subnormal", times(1e-40f)},
      {"the smallest", all(smallest)},
      {"one huge among subnormal",
       [](int64_t count, std::mt19937& random) {
         Numbers x = gaussian(count, random, 1e-39f);
         x[random() % x.size()] = 1e25f;
         return x;
       }},
      {"a NaN", with(notANumber), false},
      {"an infinity", with(infinity), false},
      {"a negative infinity", with(-infinity), false},
  };
  return inputs;
}

// NaN is like NaN, whatever its payload: operands of an addition may change places.
inline bool sameNumbers(const float* a, const float* b, int64_t count) {
  for (int64_t i = 0; i < count; i += 1) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (std::memcmp(a + i, b + i, sizeof(float)) != 0) return false;
  }
  return true;
}
inline bool sameNumbers(const Numbers& a, const Numbers& b) {
  return a.size() == b.size() && sameNumbers(a.data(), b.data(), static_cast<int64_t>(a.size()));
}

// Both NaN, the same infinity, or no further apart than `tolerance`.
inline bool close(float found, double expected, double tolerance) {
  if (std::isnan(expected)) return std::isnan(found);
  const auto rounded = static_cast<float>(expected);
  return found == rounded || std::abs(static_cast<double>(found) - expected) <= tolerance;
}

inline Batch batchOf(std::vector<int32_t> positions, std::vector<BatchSequence> sequences = {}) {
  Batch batch;
  batch.decoding.assign(positions.size(), 0);
  batch.positions = std::move(positions);
  batch.sequences = std::move(sequences);
  return batch;
}
// Rows at position 0 of no sequence, for operations that know neither.
inline Batch rowsOf(int64_t rows) { return batchOf(std::vector<int32_t>(static_cast<size_t>(rows), 0)); }

// One operation in a model of its own.
template <typename T>
T& setOperation(Model& model, const std::vector<int64_t>& widths) {
  auto made = std::make_unique<T>();
  T& operation = *made;
  std::vector<std::unique_ptr<Operation>> operations;
  operations.push_back(std::move(made));
  model.setProgram(widths, std::move(operations));
  return operation;
}

// Each runs its operation with an instruction set and compares it with f64, and in every bit with plain.
void rows(InstructionSet, std::mt19937&, Report&);
void attention(InstructionSet, std::mt19937&, Report&);
// What is compiled once, for all instruction sets.
void rope(std::mt19937&, Report&);
void caches(std::mt19937&, Report&);
void quantizers(std::mt19937&, Report&);
void topLogits(std::mt19937&, Report&);

}  // namespace checks
