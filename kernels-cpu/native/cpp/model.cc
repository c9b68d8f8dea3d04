#include "model.h"

#include <cstring>
#include <stdexcept>

namespace lowbit {

const OperationKernels& operationKernels(InstructionSet set) {
#if defined(__x86_64__)
  if (set == InstructionSet::avx512 || set == InstructionSet::amx) return avx512Operations();
  if (set == InstructionSet::avx2 || set == InstructionSet::avxVnni) return avx2Operations();
#endif
  (void)set;
  return plainOperations();
}

void Model::setProgram(const std::vector<int64_t>& widths, std::vector<std::unique_ptr<Operation>> operations) {
  values_.clear();
  for (const int64_t width : widths) values_.push_back({width, {}});
  program_ = std::move(operations);
}

std::vector<float> Model::run(Batch& batch, const std::vector<Input>& inputs, int64_t output) {
  const auto rows = static_cast<size_t>(batch.rows());
  for (Value& value : values_) value.memory.reserve(rows * static_cast<size_t>(value.width) * sizeof(float));
  for (const Input& input : inputs) {
    const Value& value = values_.at(input.value);
    if (input.numbers.size() != rows * static_cast<size_t>(value.width)) throw std::invalid_argument("an input of another size than its value");
    if (!input.numbers.empty()) std::memcpy(value.data(), input.numbers.data(), input.numbers.size() * sizeof(float));
  }
  Run run = {batch, values_, pool_, linears_, operations_, scratch_, {}, {}};
  for (const std::unique_ptr<Operation>& operation : program_) {
    if (cancelled_) throw std::runtime_error("the executable is closed");
    if (interrupted_) throw std::runtime_error("the run was interrupted");
    operation->run(run);
  }
  if (output < 0) return std::move(run.logits);
  const Value& value = values_.at(static_cast<size_t>(output));
  if (rows == 0) return {};
  return std::vector<float>(value.data(), value.data() + rows * static_cast<size_t>(value.width));
}

}  // namespace lowbit
