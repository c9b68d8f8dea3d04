// Checks every instruction set that this machine has against f64 and against the plain kernels.
//   linear-tests [seed]
#include <cstdio>
#include <cstring>
#include <string>

#include "checks.h"

int main(int argc, char** argv) {
  const unsigned seed = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 1;
  checks::Report report;
  for (lowbit::InstructionSet set : lowbit::allInstructionSets) {
    if (!lowbit::isAvailable(set)) {
      std::printf("skipped %s: this machine does not have it\n", lowbit::nameOf(set));
      continue;
    }
    std::mt19937 random(seed);
    checks::shapes(set, random, report);
    checks::activations(set, random, report);
    checks::quantizedActivations(set, random, report);
    checks::dense(set, random, report);
    report.print(lowbit::nameOf(set));
  }
  std::mt19937 random(seed);
  if (lowbit::isAvailable(lowbit::InstructionSet::avx512)) {
    checks::avxVnni(random, report);
    report.print("avx-vnni, encoded as AVX-512");
    checks::matrixTiles(random, report);
    report.print("emulated amx");
  } else {
    std::printf("skipped avx-vnni encoded as AVX-512, and emulated amx: this machine does not have AVX-512\n");
  }
  checks::packing(random, report);
  checks::words(random, report);
  report.print("packing");
  std::printf("%s\n", report.failures == 0 ? "all passed" : "FAILED");
  return report.failures == 0 ? 0 : 1;
}
