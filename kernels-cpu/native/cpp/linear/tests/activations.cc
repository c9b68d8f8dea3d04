// Activations that break kernels: all equal, zero, huge, subnormal, NaN and infinite.
#include <algorithm>
#include <cstring>

#include "checks.h"

namespace checks {

void activations(InstructionSet set, std::mt19937& random, Report& report) {
  for (CodeType code : {CodeType::u4, CodeType::i4, CodeType::i8, CodeType::f4e2m1, CodeType::f8e4m3, CodeType::f8e5m2}) {
    for (int64_t group : {32, 128, 256, 1000}) {
      const WeightShape shape = {40, 264, group, code};
      Layer layer = randomLayer(shape, random);
      pack(layer);
      for (Accuracy accuracy : allAccuracies) {
        if (!supportsAccuracy(shape, accuracy)) continue;
        const int64_t rows = 7, in = shape.inFeatures;
        std::vector<float> x = gaussian(rows * in, random);
        std::fill_n(x.begin(), in, 0.75f);
        std::fill_n(x.begin() + in, in, 0.0f);
        for (int64_t i = 0; i < in; i += 1) x[2 * in + i] *= 1e30f;
        for (int64_t i = 0; i < in; i += 1) x[3 * in + i] *= 1e-39f;
        for (int64_t i = 0; i < in; i += 1) x[4 * in + i] = i == 130 ? -3e33f : 1e-45f;
        for (int64_t i = 0; i < in; i += 1) x[5 * in + i] *= 1e-43f;
        // Sums of codes times activations are scaled last: 1e33 is about as much as they bear.
        for (float& scale : layer.scales) scale = std::ldexp(1.0f, -20);
        pack(layer);
        checkLayer(set, layer, accuracy, x, rows, random, report);

        for (float bad : {std::nanf(""), INFINITY, -INFINITY}) {
          std::vector<float> broken = gaussian(3 * in, random);
          const std::vector<float> good = run(set, layer.packed, accuracy, broken.data(), 3);
          broken[in + random() % in] = bad;
          const std::vector<float> y = run(set, layer.packed, accuracy, broken.data(), 3);
          const std::string what = describe(set, shape, accuracy, 3);
          for (int64_t o = 0; o < shape.outFeatures; o += 1) report.check(std::isnan(y[shape.outFeatures + o]), what + ": NaN of a row that is not finite");
          report.check(sameBits(y.data(), good.data(), shape.outFeatures), what + ": the row before");
          report.check(sameBits(y.data() + 2 * shape.outFeatures, good.data() + 2 * shape.outFeatures, shape.outFeatures), what + ": the row after");
        }
      }
    }
  }
}

}  // namespace checks
