#include "weight-source.h"

#include <algorithm>
#include <stdexcept>

namespace lowbit {
namespace {

void makeTableReady(BlockTable& block, const WeightSource& weight) {
  block.table.makeReady();
  if (block.blockRows < 1 || block.blockColumns < 1) throw std::invalid_argument("a block without rows or columns");
  const auto rows = static_cast<int64_t>(block.table.rows.size());
  const auto columns = static_cast<int64_t>(block.table.columns.size());
  if (weight.outFeatures > 0 && (weight.outFeatures - 1) / block.blockRows >= rows) {
    throw std::invalid_argument("a table with too few rows");
  }
  if (!block.indexed) {
    if (weight.inFeatures > 0 && (weight.inFeatures - 1) / block.blockColumns >= columns) {
      throw std::invalid_argument("a table with too few columns");
    }
    return;
  }
  if (static_cast<int64_t>(weight.groupIndex.size()) != weight.inFeatures) {
    throw std::invalid_argument("an indexed table without a group for every feature");
  }
  for (const int32_t group : weight.groupIndex) {
    if (group < 0 || group >= columns) throw std::invalid_argument("a group outside its table");
  }
}

}  // namespace

void WeightSource::forgetPages() const {
  lowbit::forgetPages(codes.bytes);
  for (const BlockTable& scale : scales) lowbit::forgetPages(scale.table.bytes);
  for (const std::optional<BlockTable>* block : {&zero, &shift}) {
    if (*block) lowbit::forgetPages((*block)->table.bytes);
  }
}

void WeightSource::makeReady() {
  codes.makeReady();
  if (static_cast<int64_t>(codes.rows.size()) != outFeatures || static_cast<int64_t>(codes.columns.size()) != inFeatures) {
    throw std::invalid_argument("codes of another shape than their weight");
  }
  for (BlockTable& scale : scales) makeTableReady(scale, *this);
  if (zero) makeTableReady(*zero, *this);
  if (shift) makeTableReady(*shift, *this);
}

void WeightSource::dequantizeRow(int64_t o, float* out, float* scratch) const {
  float* factor = scratch;
  float* row = scratch + inFeatures;
  std::vector<float> numbers;
  const auto spread = [&](const BlockTable& block) {
    numbers.resize(block.table.columns.size());
    block.table.readNumbers(o / block.blockRows, numbers.data());
    for (int64_t i = 0; i < inFeatures; i += 1) row[i] = numbers[static_cast<size_t>(columnOf(block, i))];
  };

  codes.readNumbers(o, out);
  if (zero) {
    spread(*zero);
    for (int64_t i = 0; i < inFeatures; i += 1) out[i] -= row[i];
  }
  if (!scales.empty()) {
    std::fill(factor, factor + inFeatures, 1.0f);
    for (size_t s = 0; s < scales.size(); s += 1) {
      if (scales[s].afterwards && s > 0) {
        for (int64_t i = 0; i < inFeatures; i += 1) out[i] *= factor[i];
        std::fill(factor, factor + inFeatures, 1.0f);
      }
      spread(scales[s]);
      if (scales[s].divide) {
        for (int64_t i = 0; i < inFeatures; i += 1) factor[i] /= row[i];
      } else {
        for (int64_t i = 0; i < inFeatures; i += 1) factor[i] *= row[i];
      }
    }
    for (int64_t i = 0; i < inFeatures; i += 1) out[i] *= factor[i];
  }
  if (shift) {
    spread(*shift);
    for (int64_t i = 0; i < inFeatures; i += 1) out[i] += row[i];
  }
}

}  // namespace lowbit
