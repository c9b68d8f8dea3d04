// The kernels for AVX-VNNI with its instruction in the encoding of AVX-512, on machines that have only that one. The same
// bits as AVX2.
#if defined(__AVX512VNNI__)
#include "../simd-avx2.h"

#include "../kernels.h"
#include "../loops/forward.h"
#endif
#include "checks.h"

namespace checks {

#if defined(__AVX512VNNI__)
void avxVnni(std::mt19937& random, Report& report) {
  const LinearKernels kernels = kernelsOf<Avx2<true>>();
  for (CodeType code : {CodeType::u4, CodeType::i4, CodeType::u8, CodeType::i8, CodeType::f4e2m1}) {
    for (int64_t group : {7, 32, 100, 256, 1000}) {
      const ZeroType zeros = code == CodeType::f4e2m1 ? ZeroType::none : static_cast<ZeroType>(random() % 3);
      Layer layer = randomLayer({1 + static_cast<int64_t>(random() % 70), 700, group, code, ScaleType::f16, zeros}, random);
      report.check(pack(layer) == PackResult::packed, "packs");
      for (Accuracy accuracy : {Accuracy::int16Planes, Accuracy::int8PerGroup, Accuracy::int8Per128, Accuracy::int8PerToken}) {
        if (!supportsAccuracy(layer.shape, accuracy)) continue;
        const int64_t rows = 1 + static_cast<int64_t>(random() % 20);
        const std::vector<float> x = gaussian(rows * 700, random), bias = gaussian(layer.shape.outFeatures, random);
        const std::vector<float> expected = run(InstructionSet::avx2, layer.packed, accuracy, x.data(), rows, bias.data());
        const std::vector<float> y = runWith(kernels, layer.packed, accuracy, x.data(), rows, bias.data());
        report.layers += 1;
        report.check(sameBits(expected.data(), y.data(), y.size()), describe(InstructionSet::avxVnni, layer.shape, accuracy, rows) + ": in the other encoding");
      }
    }
  }
}
#else
void avxVnni(std::mt19937&, Report&) {}
#endif

}  // namespace checks
