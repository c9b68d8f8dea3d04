// What is checked, with the tolerances and their reasons.
#pragma once
#include <cstdio>
#include <cstring>
#include <string>

#include "truth.h"

namespace checks {

using namespace truth;

constexpr Accuracy allAccuracies[] = {Accuracy::exact, Accuracy::int16Planes, Accuracy::int8PerGroup, Accuracy::int8Per128,
                                      Accuracy::int8PerToken};
constexpr const char* accuracyNames[] = {"exact", "int16Planes", "int8PerGroup", "int8Per128", "int8PerToken"};

// f32 sums of up to a few thousand terms, relative to the sum of the terms' magnitudes.
constexpr double rounding = 2e-6;

struct Report {
  int64_t checked = 0, layers = 0, failures = 0;
  double worst = 0;

  bool check(bool passed, const std::string& what) {
    checked += 1;
    if (!passed && ++failures <= 20) std::printf("FAIL %s\n", what.c_str());
    return passed;
  }
  void print(const char* part) {
    std::printf("%-8s %lld layers, %lld checks; largest rounding error %.1e of the sum of magnitudes\n", part,
                static_cast<long long>(layers), static_cast<long long>(checked), worst);
    checked = layers = 0;
    worst = 0;
  }
};

inline std::string describe(InstructionSet set, const WeightShape& s, Accuracy accuracy, int64_t rows) {
  static const char* codes[] = {"u4", "i4", "u8", "i8", "e2m1", "e2m3", "e3m2", "e4m3", "e4m3fnuz", "e5m2"};
  char text[200];
  std::snprintf(text, sizeof text, "%s %s [%lld, %lld] groups of %lld, scales %d, zeros %d, %s, %lld rows", nameOf(set),
                codes[static_cast<int>(s.codes)], (long long)s.outFeatures, (long long)s.inFeatures,
                (long long)s.groupSize, static_cast<int>(s.scales), static_cast<int>(s.zeros),
                accuracyNames[static_cast<int>(accuracy)], (long long)rows);
  return text;
}

struct Prepared {
  std::unique_ptr<uint8_t, Freed> memory;
  PreparedInput input;
};

inline Prepared reserve(const LinearKernels& kernels, const WeightShape& shape, Accuracy accuracy, int64_t rows) {
  const InputFormat format = {shape.inFeatures, shape.groupSize, accuracy};
  Prepared p{aligned(inputBytes(kernels, format, rows)), {}};
  p.input = {format, rows, p.memory.get()};
  return p;
}

inline std::vector<float> runWith(const LinearKernels& kernels, const PackedLinear& weight, Accuracy accuracy,
                                  const float* x, int64_t rows, const float* bias = nullptr, int64_t splitAt = 0) {
  const WeightShape& shape = weight.shape;
  Prepared p = reserve(kernels, shape, accuracy, rows);
  const int64_t tiles = inputTiles(kernels, p.input.format, rows);
  for (int64_t tile = tiles; tile-- > 0;) prepareInput(kernels, p.input, x, shape.inFeatures, tile, tile + 1);
  std::vector<float> y(rows * shape.outFeatures, -1e30f);
  const LinearOutput out = {y.data(), shape.outFeatures, bias, nullptr};
  const int64_t blocks = blockCount(shape.outFeatures);
  forward(kernels, weight, p.input, out, splitAt, blocks);
  forward(kernels, weight, p.input, out, 0, splitAt);
  return y;
}

inline std::vector<float> run(InstructionSet set, const PackedLinear& weight, Accuracy accuracy, const float* x,
                              int64_t rows, const float* bias = nullptr, int64_t splitAt = 0) {
  return runWith(linearKernels(set), weight, accuracy, x, rows, bias, splitAt);
}

inline bool sameBits(const float* a, const float* b, size_t count) { return std::memcmp(a, b, count * 4) == 0; }

inline std::vector<float> gaussian(size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> x(count);
  for (float& value : x) value = normal(random);
  return x;
}

void checkLayer(InstructionSet, Layer&, Accuracy, const std::vector<float>& x, int64_t rows, std::mt19937&, Report&);
void shapes(InstructionSet, std::mt19937&, Report&);
void activations(InstructionSet, std::mt19937&, Report&);
void quantizedActivations(InstructionSet, std::mt19937&, Report&);
void dense(InstructionSet, std::mt19937&, Report&);
void avxVnni(std::mt19937&, Report&);
void matrixTiles(std::mt19937&, Report&);
void packing(std::mt19937&, Report&);
void words(std::mt19937&, Report&);

}  // namespace checks
