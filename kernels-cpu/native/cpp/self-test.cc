#include "self-test.h"

#include <cmath>
#include <vector>

#include "aligned-buffer.h"
#include "linear/linear.h"

namespace lowbit {
namespace {

constexpr int64_t outFeatures = 40, inFeatures = 64, groupSize = 32, groups = 2;

struct Sample {
  std::vector<uint8_t> codes = std::vector<uint8_t>(static_cast<size_t>(64 * inFeatures));
  std::vector<float> scales = std::vector<float>(64 * groups), zeros = std::vector<float>(64 * groups), x = std::vector<float>(inFeatures);
  Sample() {
    for (size_t i = 0; i < codes.size(); i += 1) codes[i] = static_cast<uint8_t>((i * 7 + i / 13) % 16);
    for (size_t i = 0; i < scales.size(); i += 1) scales[i] = 0.25f * static_cast<float>(1 + i % 5);
    for (size_t i = 0; i < zeros.size(); i += 1) zeros[i] = static_cast<float>(i % 16);
    for (size_t i = 0; i < x.size(); i += 1) x[i] = static_cast<float>(static_cast<int>(i * 5 % 17) - 8) / 8;
  }
};

double expected(const Sample& sample, int64_t o) {
  double sum = 0;
  for (int64_t i = 0; i < inFeatures; i += 1) {
    const auto group = static_cast<size_t>(o * groups + i / groupSize);
    sum += (sample.codes[static_cast<size_t>(o * inFeatures + i)] - sample.zeros[group]) * sample.scales[group] * sample.x[static_cast<size_t>(i)];
  }
  return sum;
}

}  // namespace

std::string selfTest() {
  const Sample sample;
  const WeightShape shape = {outFeatures, inFeatures, groupSize, CodeType::u4, ScaleType::f16, ZeroType::u8};
  const AlignedBuffer memory(packedBytes(shape));
  const PackedLinear weight = {shape, memory.as<uint8_t>()};
  for (int64_t block = 0; block < blockCount(outFeatures); block += 1) {
    const auto at = static_cast<size_t>(block * blockRows);
    packBlock(weight, block, {sample.codes.data() + at * inFeatures, sample.scales.data() + at * groups, sample.zeros.data() + at * groups});
  }
  for (const InstructionSet set : allInstructionSets) {
    if (!isAvailable(set)) continue;
    const LinearKernels& kernels = linearKernels(set);
    for (const Accuracy accuracy : {Accuracy::exact, Accuracy::int8PerGroup}) {
      const InputFormat format = {inFeatures, groupSize, accuracy};
      const AlignedBuffer workspace(inputBytes(kernels, format, 1));
      const PreparedInput input = {format, 1, workspace.as<uint8_t>()};
      prepareInput(kernels, input, sample.x.data(), inFeatures, 0, inputTiles(kernels, format, 1));
      std::vector<float> y(outFeatures);
      forward(kernels, weight, input, {y.data(), outFeatures}, 0, blockCount(outFeatures));
      const double tolerance = accuracy == Accuracy::exact ? 1e-3 : 2;
      for (int64_t o = 0; o < outFeatures; o += 1) {
        const double difference = std::fabs(y[static_cast<size_t>(o)] - expected(sample, o));
        if (!(difference <= tolerance)) {
          return std::string(nameOf(set)) + ": output " + std::to_string(o) + " of the self-test is off by " + std::to_string(difference);
        }
      }
    }
  }
  return {};
}

}  // namespace lowbit
