// Checks the operations that are no linears, over hard inputs, with every instruction set that this machine has: against
// f64, and bit for bit against the plain ones.
//   operation-tests [seed]
#include "checks.h"

int main(int argc, char** argv) {
  const unsigned seed = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 1;
  checks::Report report;
  for (const lowbit::InstructionSet set : lowbit::allInstructionSets) {
    if (!lowbit::isAvailable(set)) {
      std::printf("skipped %s: this machine does not have it\n", lowbit::nameOf(set));
      continue;
    }
    std::mt19937 random(seed);
    checks::rows(set, random, report);
    checks::attention(set, random, report);
    report.print(lowbit::nameOf(set));
  }
  std::mt19937 random(seed);
  checks::rope(random, report);
  report.print("rope");
  checks::caches(random, report);
  report.print("KV cache");
  checks::quantizers(random, report);
  report.print("quantizer");
  checks::topLogits(random, report);
  report.print("largest logits");
  std::printf("%s\n", report.failures() == 0 ? "all passed" : "FAILED");
  return report.failures() == 0 ? 0 : 1;
}
