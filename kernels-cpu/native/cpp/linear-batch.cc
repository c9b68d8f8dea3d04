#include "linear-batch.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowbit {
namespace {

// Rows below this many numbers are not worth waking a thread for.
constexpr int64_t leastNumbers = 8192;

int64_t rowGrain(int64_t features) { return std::max<int64_t>(1, leastNumbers / std::max<int64_t>(1, features)); }

// Runs f(part, first, last) on the pieces of [first, last) that fall into consecutive parts, which begin at `begins`.
template <typename Begin, typename F>
void forEachPart(size_t parts, Begin begin, int64_t total, int64_t first, int64_t last, F f) {
  for (size_t part = 0; part < parts; part += 1) {
    const int64_t start = begin(part), end = part + 1 < parts ? begin(part + 1) : total;
    const int64_t from = std::max(first, start), to = std::min(last, end);
    if (from < to) f(part, from - start, to - start);
  }
}

}  // namespace

void LinearBatch::add(const LinearModule& module, const float* x, int64_t rows, const uint8_t* decoding, float* out) {
  if (!module.decode || !decoding) {
    addRun(module, module.prefill, x, rows, out);
    return;
  }
  for (int64_t first = 0, last; first < rows; first = last) {
    last = first + 1;
    while (last < rows && decoding[last] == decoding[first]) last += 1;
    addRun(module, module.execution(decoding[first]), x + first * module.inFeatures, last - first, out + first * module.outFeatures);
  }
}

void LinearBatch::addRun(const LinearModule& module, const LinearExecution& execution, const float* x, int64_t rows, float* out) {
  if (rows == 0) return;
  jobs_.push_back({&module, &execution, inputFor(execution, x, rows), rows, out, blocks_});
  blocks_ += blockCount(module.outFeatures);
}

bool LinearBatch::Input::readsLike(const Input& other) const {
  return x == other.x && rows == other.rows && quantizer == other.quantizer && order == other.order && packed == other.packed &&
         coded == other.coded && integer == other.integer &&
         (!packed || (format.groupSize == other.format.groupSize && format.accuracy == other.format.accuracy));
}

size_t LinearBatch::inputFor(const LinearExecution& execution, const float* x, int64_t rows) {
  if (inputCount_ == inputs_.size()) inputs_.push_back(std::make_unique<Input>());
  Input& input = *inputs_[inputCount_];
  const PreparedWeight& weight = *execution.weight;
  input.x = x;
  input.rows = rows;
  input.features = weight.inFeatures();
  input.quantizer = execution.quantizer.get();
  input.order = weight.order.empty() ? nullptr : &weight.order;
  input.packed = weight.isPacked;
  input.coded = input.packed && input.quantizer && execution.accuracy != Accuracy::exact;
  input.integer = !execution.accumulatorBias.empty();
  if (input.packed) input.format = {weight.inFeatures(), weight.packed.shape.groupSize, execution.accuracy};

  for (size_t i = 0; i < inputCount_; i += 1) {
    if (inputs_[i]->readsLike(input)) return i;
  }
  const auto numbers = static_cast<size_t>(rows * input.features);
  if (input.quantizer || input.order) input.numbers.reserve(numbers * sizeof(float));
  if (input.coded) {
    const auto groups = static_cast<size_t>(std::max(input.quantizer->groupsOf(input.features), inputGroups(input.format)));
    input.codes.reserve(numbers * sizeof(int16_t));
    input.scales.reserve(static_cast<size_t>(rows) * groups * sizeof(float));
    input.zeros.reserve(static_cast<size_t>(rows) * sizeof(int32_t));
  }
  input.tiles = 0;
  if (input.packed) {
    input.tiles = inputTiles(kernels_, input.format, rows);
    input.prepared.reserve(inputBytes(kernels_, input.format, rows));
  }
  return inputCount_++;
}

void LinearBatch::run() {
  const auto input = [&](size_t i) -> Input& { return *inputs_[i]; };

  std::vector<int64_t> begins(inputCount_);
  int64_t rows = 0, features = 1;
  for (size_t i = 0; i < inputCount_; i += 1) {
    begins[i] = rows;
    if (input(i).quantizer || input(i).order) rows += input(i).rows;
    features = std::max(features, input(i).features);
  }
  const auto begin = [&](size_t i) { return begins[i]; };
  pool_.run(rows, rowGrain(features), [&](int64_t first, int64_t last, int) {
    forEachPart(inputCount_, begin, rows, first, last, [&](size_t i, int64_t from, int64_t to) { convertRows(input(i), from, to); });
  });

  int64_t tiles = 0;
  for (size_t i = 0; i < inputCount_; i += 1) {
    begins[i] = tiles;
    tiles += input(i).tiles;
  }
  pool_.run(tiles, rowGrain(features), [&](int64_t first, int64_t last, int) {
    forEachPart(inputCount_, begin, tiles, first, last, [&](size_t i, int64_t from, int64_t to) { prepareTiles(input(i), from, to); });
  });

  pool_.run(blocks_, 1, [&](int64_t first, int64_t last, int) {
    forEachPart(jobs_.size(), [&](size_t job) { return jobs_[job].firstBlock; }, blocks_, first, last,
                [&](size_t job, int64_t from, int64_t to) { forwardBlocks(jobs_[job], from, to); });
  });
  jobs_.clear();
  inputCount_ = 0;
  blocks_ = 0;
}

void LinearBatch::convertRows(Input& input, int64_t first, int64_t last) {
  const int64_t features = input.features;
  const ActivationQuantizer* quantizer = input.quantizer;
  const auto groups = static_cast<size_t>(quantizer ? quantizer->groupsOf(features) : 0);
  std::vector<float> scratch(static_cast<size_t>(features)), scales(groups), zeros(groups);
  for (int64_t row = first; row < last; row += 1) {
    const float* x = input.x + row * features;
    if (quantizer) {
      quantizer->quantizeRow(x, features, scratch.data(), scales.data(), zeros.data());
      if (!input.coded) quantizer->dequantizeRow(scratch.data(), scales.data(), zeros.data(), features, scratch.data());
      x = scratch.data();
    }
    const auto at = [&](int64_t i) { return x[input.order ? (*input.order)[static_cast<size_t>(i)] : i]; };
    if (!input.coded) {
      float* out = input.numbers.as<float>() + row * features;
      for (int64_t i = 0; i < features; i += 1) out[i] = at(i);
      continue;
    }
    int16_t* codes = input.codes.as<int16_t>() + row * features;
    bool broken = false;
    for (int64_t i = 0; i < features; i += 1) {
      const float code = at(i);
      broken |= code != code;
      codes[i] = code != code ? int16_t{0} : static_cast<int16_t>(code);
    }
    const auto outGroups =
        static_cast<size_t>(input.format.accuracy == Accuracy::int8PerToken ? 1 : inputGroups(input.format));
    float* out = input.scales.as<float>() + static_cast<size_t>(row) * outGroups;
    for (size_t g = 0; g < outGroups; g += 1) {
      const float scale = input.integer ? 1.0f : scales[groups == 1 ? 0 : g];
      out[g] = broken ? std::numeric_limits<float>::quiet_NaN() : scale;
    }
    // The stored constants of integer execution hold the zero point already.
    const float zero = input.integer || zeros.empty() || zeros[0] != zeros[0] ? 0.0f : zeros[0];
    input.zeros.as<int32_t>()[row] = static_cast<int32_t>(zero);
  }
}

void LinearBatch::prepareTiles(const Input& input, int64_t first, int64_t last) {
  const PreparedInput prepared = {input.format, input.rows, input.prepared.as<uint8_t>()};
  if (!input.coded) {
    prepareInput(kernels_, prepared, input.source(), input.features, first, last);
    return;
  }
  const bool zeros = input.format.accuracy == Accuracy::int8PerToken && input.format.groupSize >= input.features;
  const CodedInput codes = {input.codes.as<int16_t>(), input.scales.as<float>(), zeros ? input.zeros.as<int32_t>() : nullptr};
  prepareCodes(kernels_, prepared, codes, first, last);
}

void LinearBatch::forwardBlocks(const Job& job, int64_t first, int64_t last) {
  const LinearModule& module = *job.module;
  const LinearExecution& execution = *job.execution;
  const Input& input = *inputs_[job.input];
  LinearOutput out = {job.out, module.outFeatures};
  if (!execution.accumulatorBias.empty()) out.accumulatorBias = execution.accumulatorBias.data();
  else if (!module.bias.empty()) out.bias = module.bias.data();
  if (input.packed) {
    const PreparedInput prepared = {input.format, input.rows, input.prepared.as<uint8_t>()};
    forward(kernels_, execution.weight->packed, prepared, out, first, last);
  } else {
    forwardDense(kernels_, execution.weight->dense, input.source(), input.features, input.rows, out, first, last);
  }
}

}  // namespace lowbit
