// What packing refuses, and NaN among the codes.
#include <algorithm>
#include <cstring>

#include "checks.h"

namespace checks {

void packing(std::mt19937& random, Report& report) {
  report.check(refuseShape({0, 8, 8, CodeType::u4}) != nullptr, "no rows are refused");
  report.check(refuseShape({8, 8, 8, CodeType::f8e4m3, ScaleType::f32, ZeroType::u8}) != nullptr, "zeros of floats are refused");
  report.check(refuseShape({8, 8, 8, CodeType::i8, ScaleType::f32, ZeroType::f32}) == nullptr, "zeros of integers are not refused");

  // 4.125 bits per weight with groups of 128, as computed by hand: 32 rows of 64 bytes and 32 f16.
  report.check(packedBytes({32, 128 * 3, 128, CodeType::u4, ScaleType::f16}) == 3 * 2112, "bytes of groups of 128");

  Layer layer = randomLayer({33, 64, 32, CodeType::u4, ScaleType::f16, ZeroType::u8}, random);
  layer.scales[65] = 0.1f;  // not an f16
  report.check(pack(layer) == PackResult::scaleNotHeld, "a scale that f16 does not hold");
  layer.scales[65] = 6.1035156e-5f / 4;  // a subnormal f16
  report.check(pack(layer) == PackResult::packed, "a scale that f16 holds as a subnormal");
  layer.zeros[3] = 7.5f;
  report.check(pack(layer) == PackResult::zeroNotHeld, "a zero that is no whole number");
  layer.zeros[3] = std::nanf("");
  report.check(pack(layer) == PackResult::zeroNotHeld, "a zero that is NaN");

  for (CodeType code : {CodeType::f8e4m3, CodeType::f8e4m3fnuz, CodeType::f8e5m2}) {
    for (int64_t group : {32, 300}) {
      Layer fp8 = randomLayer({35, 300, group, code}, random);
      fp8.codes[2 * 300 + 131] = code == CodeType::f8e4m3fnuz ? 128 : 127;
      pack(fp8);
      const std::vector<float> x = gaussian(300, random);
      for (InstructionSet set : allInstructionSets) {
        if (!isAvailable(set)) continue;
        const std::vector<float> y = run(set, fp8.packed, Accuracy::exact, x.data(), 1);
        for (int64_t o = 0; o < 35; o += 1) report.check(std::isnan(y[o]) == (o == 2), "a NaN code makes its output NaN, no other");
      }
    }
  }
}

}  // namespace checks
