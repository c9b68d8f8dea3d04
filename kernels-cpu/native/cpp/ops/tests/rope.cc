// Rotations of parts of heads, of either pairing, at positions near and far.
#include "checks.h"

namespace checks {

void rope(std::mt19937& random, Report& report) {
  struct Shape {
    int64_t heads, headSize, offset, pairs;
  };
  for (const Shape& s : {Shape{1, 2, 0, 1}, {3, 64, 0, 32}, {2, 40, 8, 13}, {5, 7, 1, 3}}) {
    for (const bool interleaved : {false, true}) {
      for (const double attentionFactor : {1.0, 1.25}) {
        for (const HardInput& input : hardInputs()) {
          auto frequencies = std::make_shared<std::vector<double>>();
          for (int64_t j = 0; j < s.pairs; j += 1) frequencies->push_back(std::pow(1e4, -static_cast<double>(j) / static_cast<double>(s.pairs)));
          const std::vector<int32_t> positions = {0, 1, 4095, 131071, 1000003};
          const auto rows = static_cast<int64_t>(positions.size()), width = s.heads * s.headSize;
          Numbers x = gaussian(rows * width, random);
          const Numbers hard = input.make(width, random);
          std::copy(hard.begin(), hard.end(), x.begin() + static_cast<int64_t>(random() % positions.size()) * width);
          const auto run = [&](std::vector<int32_t> at, const Numbers& numbers, int threads) {
            Model model(threads, InstructionSet::plain);
            auto& operation = setOperation<RopeOperation>(model, {width});
            operation.values = {0};
            operation.headSize = s.headSize, operation.offset = s.offset;
            operation.inverseFrequencies = frequencies;
            operation.attentionFactor = attentionFactor;
            operation.interleaved = interleaved;
            Batch batch = batchOf(std::move(at));
            return model.run(batch, {{0, numbers}}, 0);
          };
          const Numbers out = run(positions, x, 1);
          const std::string title = "rope, " + std::string(input.name) + ", " + std::to_string(s.heads) + " heads of " + std::to_string(s.headSize) + (interleaved ? ", interleaved" : "");

          // Numbers outside the pairs stay as they are.
          Numbers expected = x, tolerance(x.size());
          for (int64_t row = 0; row < rows; row += 1) {
            for (int64_t j = 0; j < s.pairs; j += 1) {
              const double angle = static_cast<float>(positions[static_cast<size_t>(row)] * (*frequencies)[static_cast<size_t>(j)]);
              const double cosine = std::cos(angle) * attentionFactor, sine = std::sin(angle) * attentionFactor;
              for (int64_t head = 0; head < s.heads; head += 1) {
                const auto first = static_cast<size_t>(row * width + head * s.headSize + s.offset + (interleaved ? 2 * j : j));
                const size_t second = first + static_cast<size_t>(interleaved ? 1 : s.pairs);
                const double a = x[first], b = x[second];
                expected[first] = static_cast<float>(a * cosine - b * sine);
                expected[second] = static_cast<float>(a * sine + b * cosine);
                // Cosine or sine, its factor, the product and the sum are rounded.
                const double magnitude = attentionFactor * (std::abs(a) + std::abs(b));
                tolerance[first] = tolerance[second] = magnitude < largest ? static_cast<float>(6 * epsilon * magnitude) + 4 * smallest : infinity;
              }
            }
          }
          for (size_t i = 0; i < x.size(); i += 1) {
            // At the end of f32 products overflow, also where their sum would not.
            const bool overflowing = std::isinf(tolerance[i]) && !std::isfinite(out[i]);
            if (!report.check(close(out[i], expected[i], tolerance[i]) || overflowing, title + ": number " + std::to_string(i))) break;
          }
          report.check(sameNumbers(out, run(positions, x, 3)), title + ": the bits of one thread");
          for (int64_t row = 0; row < rows; row += 1) {
            const Numbers alone = run({positions[static_cast<size_t>(row)]}, Numbers(x.begin() + row * width, x.begin() + (row + 1) * width), 1);
            report.check(sameNumbers(alone.data(), out.data() + row * width, width), title + ": the bits of a row alone");
          }
        }
      }
    }
  }
}

}  // namespace checks
