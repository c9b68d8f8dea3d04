// Norms, gates and additions, of widths around the sixteen numbers that are worked on at a time.
#include "checks.h"

namespace checks {
namespace {

constexpr int64_t widths[] = {1, 3, 15, 16, 17, 31, 33, 64, 100, 1027};
constexpr int64_t rowCount = 3;

// The hard input in one row, the others beside it.
Numbers withNeighbours(const HardInput& input, int64_t width, std::mt19937& random) {
  Numbers x = gaussian(rowCount * width, random);
  const Numbers hard = input.make(width, random);
  std::copy(hard.begin(), hard.end(), x.begin() + width);
  return x;
}

template <typename Make>
void compare(InstructionSet set, const std::string& what, int64_t width, const std::vector<Numbers>& inputs, Make make,
             const std::function<bool(int64_t row, int64_t i, float found)>& right, Report& report) {
  const auto run = [&](InstructionSet with, int threads) {
    Model model(threads, with);
    make(model);
    std::vector<Model::Input> values;
    for (size_t i = 0; i < inputs.size(); i += 1) values.push_back({i, inputs[i]});
    Batch batch = rowsOf(rowCount);
    return model.run(batch, values, static_cast<int64_t>(inputs.size()));
  };
  const Numbers out = run(set, 1);
  const std::string title = std::string(nameOf(set)) + " " + what + " of " + std::to_string(width);
  for (int64_t i = 0; i < rowCount * width; i += 1) {
    if (!report.check(right(i / width, i % width, out[static_cast<size_t>(i)]), title + ": number " + std::to_string(i) + " is " + std::to_string(out[static_cast<size_t>(i)]))) return;
  }
  report.check(sameNumbers(out, run(InstructionSet::plain, 1)), title + ": the bits of plain");
  report.check(sameNumbers(out, run(set, 3)), title + ": the bits of one thread");
}

void norm(InstructionSet set, const HardInput& input, int64_t width, bool biased, double added, std::mt19937& random, Report& report) {
  const Numbers x = withNeighbours(input, width, random), weight = gaussian(width, random), bias = biased ? gaussian(width, random) : Numbers{};
  const auto make = [&](Model& model) {
    const size_t module = model.add(NormModule{weight, bias});
    auto& operation = setOperation<RmsNormOperation>(model, {width, width});
    operation.module = &model.module<NormModule>(module);
    operation.input = 0, operation.output = 1, operation.epsilon = added;
  };
  const auto right = [&](int64_t row, int64_t i, float found) {
    double squares = 0;
    for (int64_t k = 0; k < width; k += 1) squares += std::pow(static_cast<double>(x[static_cast<size_t>(row * width + k)]), 2);
    // The mean is an f32 number, beyond which it is infinite, and so is the factor.
    const double factor = static_cast<float>(1 / std::sqrt(static_cast<float>(squares / static_cast<double>(width)) + added));
    const double product = x[static_cast<size_t>(row * width + i)] * factor * weight[static_cast<size_t>(i)];
    const double plus = biased ? bias[static_cast<size_t>(i)] : 0;
    // Mean, factor, two products and a sum are rounded; what the first product loses below f32 is multiplied by the weight.
    return close(found, product + plus, 8 * epsilon * (std::abs(product) + std::abs(plus)) + smallest * (2 + std::abs(weight[static_cast<size_t>(i)])));
  };
  compare(set, std::string("norm, ") + input.name + (biased ? ", biased" : ""), width, {x}, make, right, report);
}

void silu(InstructionSet set, const HardInput& input, int64_t width, std::mt19937& random, Report& report) {
  const Numbers gate = withNeighbours(input, width, random), up = gaussian(rowCount * width, random);
  const auto make = [&](Model& model) {
    auto& operation = setOperation<SiluMulOperation>(model, {width, width, width});
    operation.gate = 0, operation.up = 1, operation.output = 2;
  };
  const auto right = [&](int64_t row, int64_t i, float found) {
    const double g = gate[static_cast<size_t>(row * width + i)], u = up[static_cast<size_t>(row * width + i)];
    const double expected = static_cast<float>(g / (1 + std::exp(-g))) * u;
    // 2e-7 is what the exponential is right to; where it is at its ends, what is left of the gate is below 1e-35.
    return close(found, expected, (4e-7 + 4 * epsilon) * std::abs(expected) + 1e-35 * std::abs(u));
  };
  compare(set, std::string("silu, ") + input.name, width, {gate, up}, make, right, report);
}

void sigmoid(InstructionSet set, const HardInput& input, int64_t width, std::mt19937& random, Report& report) {
  const Numbers gate = withNeighbours(input, 1, random), x = withNeighbours(input, width, random);
  const auto make = [&](Model& model) {
    auto& operation = setOperation<SigmoidMulOperation>(model, {1, width, width});
    operation.gate = 0, operation.input = 1, operation.output = 2;
  };
  const auto right = [&](int64_t row, int64_t i, float found) {
    return close(found, x[static_cast<size_t>(row * width + i)] / (1 + std::exp(-static_cast<double>(gate[static_cast<size_t>(row)]))), 0);
  };
  compare(set, std::string("sigmoid gate, ") + input.name, width, {gate, x}, make, right, report);
}

void sum(InstructionSet set, const HardInput& input, int64_t width, std::mt19937& random, Report& report) {
  const Numbers left = withNeighbours(input, width, random), right = withNeighbours(input, width, random);
  const auto make = [&](Model& model) {
    auto& operation = setOperation<AddOperation>(model, {width, width, width});
    operation.left = 0, operation.right = 1, operation.output = 2;
  };
  const auto exact = [&](int64_t row, int64_t i, float found) {
    const auto at = static_cast<size_t>(row * width + i);
    return close(found, static_cast<double>(left[at]) + static_cast<double>(right[at]), 0);
  };
  compare(set, std::string("sum, ") + input.name, width, {left, right}, make, exact, report);
}

}  // namespace

void rows(InstructionSet set, std::mt19937& random, Report& report) {
  for (const HardInput& input : hardInputs()) {
    for (const int64_t width : widths) {
      norm(set, input, width, false, 1e-6, random, report);
      norm(set, input, width, true, 1e-5, random, report);
      silu(set, input, width, random, report);
      sigmoid(set, input, width, random, report);
      sum(set, input, width, random, report);
    }
  }
}

}  // namespace checks
