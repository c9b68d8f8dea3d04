#include "prepared-weight.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <string>

#include "../linear/packed-linear-tables.h"
#include "../linear/packed-linear-words.h"

namespace lowbit {
namespace {

// Features sorted by group, so that each group's lie together; empty where they do.
std::vector<int32_t> orderByGroup(const std::vector<int32_t>& groups) {
  if (std::is_sorted(groups.begin(), groups.end())) return {};
  std::vector<int32_t> order(groups.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return groups[a] < groups[b]; });
  return order;
}

bool usesIndex(const WeightSource& source) {
  return std::any_of(source.scales.begin(), source.scales.end(), [](const BlockTable& table) { return table.indexed; }) ||
         (source.zero && source.zero->indexed);
}

// Whether every run of groupSize features, in this order, has one number in each table.
bool fitsGroups(const WeightSource& source, const std::vector<int32_t>& order, int64_t groupSize) {
  const auto fits = [&](const BlockTable& table) {
    for (int64_t i = 0; i < source.inFeatures; i += 1) {
      const int64_t first = i / groupSize * groupSize;
      const auto at = [&](int64_t p) { return source.columnOf(table, order.empty() ? p : order[static_cast<size_t>(p)]); };
      if (at(i) != at(first)) return false;
    }
    return true;
  };
  return std::all_of(source.scales.begin(), source.scales.end(), fits) && (!source.zero || fits(*source.zero));
}

// Scales and zero points of one row, by group of the packed weight.
class RowTables {
 public:
  RowTables(const WeightSource& source, const std::vector<int32_t>& order, int64_t groupSize)
      : source_(source), order_(order), groupSize_(groupSize), groups_((source.inFeatures + groupSize - 1) / groupSize) {}

  // The product of all scales, in f32, left to right; the product of those marked `afterwards` comes last.
  void scales(int64_t o, float* out) {
    std::fill(out, out + groups_, 1.0f);
    std::vector<float>& factor = factor_;
    factor.assign(static_cast<size_t>(groups_), 1.0f);
    for (const BlockTable& scale : source_.scales) {
      if (scale.afterwards) {
        for (int64_t g = 0; g < groups_; g += 1) out[g] *= factor[static_cast<size_t>(g)];
        std::fill(factor.begin(), factor.end(), 1.0f);
      }
      read(scale, o);
      for (int64_t g = 0; g < groups_; g += 1) {
        float& value = factor[static_cast<size_t>(g)];
        value = scale.divide ? value / at(scale, g) : value * at(scale, g);
      }
    }
    for (int64_t g = 0; g < groups_; g += 1) out[g] *= factor[static_cast<size_t>(g)];
  }

  void zeros(int64_t o, float* out) {
    read(*source_.zero, o);
    for (int64_t g = 0; g < groups_; g += 1) out[g] = at(*source_.zero, g);
  }

  int64_t groups() const { return groups_; }

 private:
  void read(const BlockTable& block, int64_t o) {
    numbers_.resize(block.table.columns.size());
    block.table.readNumbers(o / block.blockRows, numbers_.data());
  }
  float at(const BlockTable& block, int64_t group) const {
    const int64_t first = group * groupSize_;
    const int64_t feature = order_.empty() ? first : order_[static_cast<size_t>(first)];
    return numbers_[static_cast<size_t>(source_.columnOf(block, feature))];
  }

  const WeightSource& source_;
  const std::vector<int32_t>& order_;
  int64_t groupSize_, groups_;
  std::vector<float> numbers_, factor_;
};

bool isSigned(CodeType codes) { return codes == CodeType::i4 || codes == CodeType::i8; }

// As many as are packed side by side from a layout along the rows; fewer where that leaves threads without work.
constexpr int64_t mostBlocksAtATime = 16;

bool pack(const WeightSource& source, PreparedWeight& weight, ThreadPool& pool) {
  const WeightShape& shape = weight.packed.shape;
  const StoredTable& table = source.codes;
  const int64_t inFeatures = shape.inFeatures;
  const int32_t* order = weight.order.empty() ? nullptr : weight.order.data();
  std::optional<CodeWords> words;
  if (!order) words = findWords({table.bytes.data, table.rows.data(), table.columns.data(), table.type.bits, table.add}, shape);
  weight.asWords = words.has_value();

  // Threads take blocks as they come: pages that the system has yet to bring in make some of them slow.
  const int64_t blocks = blockCount(shape.outFeatures);
  const int64_t atATime = std::clamp<int64_t>(blocks / (4 * pool.threads()), 1, mostBlocksAtATime);
  std::atomic<int64_t> next{0};
  std::atomic<bool> held{true};
  pool.run(std::min<int64_t>(pool.threads(), blocks), 1, [&](int64_t, int64_t, int) {
    RowTables tables(source, weight.order, std::min(shape.groupSize, inFeatures));
    const auto groups = static_cast<size_t>(tables.groups());
    std::vector<uint8_t> codes(words ? 0 : static_cast<size_t>(blockRows * inFeatures));
    std::vector<float> scales(blockRows * groups), zeros(source.zero ? blockRows * groups : 0);
    const auto packOne = [&](int64_t block) {
      const int64_t row = block * blockRows;
      const int64_t rows = std::min(blockRows, shape.outFeatures - row);
      if (!words) table.readBytes(row, rows, order, isSigned(shape.codes), codes.data(), inFeatures);
      for (int64_t r = 0; r < rows; r += 1) {
        tables.scales(row + r, scales.data() + static_cast<size_t>(r) * groups);
        if (source.zero) tables.zeros(row + r, zeros.data() + static_cast<size_t>(r) * groups);
      }
      const float* blockZeros = source.zero ? zeros.data() : nullptr;
      const PackResult result = words ? packTables(weight.packed, block, scales.data(), blockZeros)
                                      : packBlock(weight.packed, block, {codes.data(), scales.data(), blockZeros});
      if (result != PackResult::packed) held = false;
    };
    for (int64_t first; (first = next.fetch_add(atATime)) < blocks;) {
      const int64_t last = std::min(first + atATime, blocks);
      if (words) packWords(weight.packed, *words, first, last);
      for (int64_t block = first; block < last; block += 1) packOne(block);
    }
  });
  return held;
}

PreparedWeight decode(const WeightSource& source, ThreadPool& pool, WeightMemory& memory) {
  PreparedWeight weight;
  weight.bytes = static_cast<size_t>(source.outFeatures * source.inFeatures) * sizeof(float);
  weight.memory = memory.take(weight.bytes, pool);
  float* numbers = reinterpret_cast<float*>(weight.memory.get());
  weight.dense = {source.outFeatures, source.inFeatures, DenseType::f32, numbers};
  pool.run(source.outFeatures, 8, [&](int64_t first, int64_t last, int) {
    std::vector<float> scratch(static_cast<size_t>(2 * source.inFeatures));
    for (int64_t o = first; o < last; o += 1) source.dequantizeRow(o, numbers + o * source.inFeatures, scratch.data());
  });
  return weight;
}

DenseType denseTypeOf(const ElementType& type) {
  if (type.bits == 32) return DenseType::f32;
  return type.exponentBits == 8 ? DenseType::bf16 : DenseType::f16;
}

// Whether rows and columns are where a matrix in row-major order has them.
bool isRowMajor(const StoredTable& codes) {
  const int64_t bits = codes.type.bits, columns = static_cast<int64_t>(codes.columns.size());
  if (codes.add != 0) return false;
  for (int64_t i = 1; i < columns; i += 1) {
    if (codes.columns[i] - codes.columns[i - 1] != bits) return false;
  }
  for (size_t o = 1; o < codes.rows.size(); o += 1) {
    if (codes.rows[o] - codes.rows[o - 1] != bits * columns) return false;
  }
  return true;
}

PreparedWeight keepDense(const WeightSource& source, ThreadPool& pool, WeightMemory& memory) {
  const ElementType& type = source.codes.type;
  const bool tables = !source.scales.empty() || source.zero || source.shift;
  if (tables || type.kind != ElementType::Kind::floating || (type.bits != 16 && type.bits != 32)) {
    throw std::invalid_argument("a weight that is not dense");
  }
  PreparedWeight weight;
  const int64_t width = type.bits / 8;
  weight.bytes = static_cast<size_t>(source.outFeatures * source.inFeatures * width);
  weight.dense = {source.outFeatures, source.inFeatures, denseTypeOf(type), nullptr};
  const bool empty = source.codes.rows.empty() || source.codes.columns.empty();
  const int64_t start = empty ? 0 : source.codes.rows[0] + source.codes.columns[0];
  const uint8_t* place = source.codes.bytes.data + start / 8;
  if (isRowMajor(source.codes) && start % 8 == 0 && reinterpret_cast<uintptr_t>(place) % static_cast<uintptr_t>(width) == 0) {
    weight.mapped = source.codes.bytes;
    weight.dense.data = place;
    return weight;
  }
  weight.memory = memory.take(weight.bytes, pool);
  uint8_t* target = weight.memory.get();
  weight.dense.data = target;
  pool.run(source.outFeatures, 8, [&](int64_t first, int64_t last, int) {
    for (int64_t o = first; o < last; o += 1) {
      for (int64_t i = 0; i < source.inFeatures; i += 1) {
        const uint64_t code = source.codes.codeAt(o, i);
        std::memcpy(target + (o * source.inFeatures + i) * width, &code, static_cast<size_t>(width));
      }
    }
  });
  return weight;
}

PreparedWeight packOrDecode(const WeightSource& source, const WeightShape& shape, ThreadPool& pool, WeightMemory& memory) {
  if (const char* reason = refuseShape(shape)) throw std::invalid_argument(std::string("a weight with ") + reason);
  if (shape.outFeatures != source.outFeatures || shape.inFeatures != source.inFeatures || source.shift ||
      source.codes.type.bits > 8 || (shape.zeros != ZeroType::none) != source.zero.has_value()) {
    throw std::invalid_argument("a packed form that is not the weight's");
  }
  PreparedWeight weight;
  if (usesIndex(source)) weight.order = orderByGroup(source.groupIndex);
  if (!fitsGroups(source, weight.order, shape.groupSize)) return decode(source, pool, memory);

  weight.isPacked = true;
  weight.bytes = packedBytes(shape);
  weight.memory = memory.take(weight.bytes, pool);
  weight.packed = {shape, weight.memory.get()};
  if (!pack(source, weight, pool)) throw std::invalid_argument("scales or zero points that their packed type does not hold");
  return weight;
}

}  // namespace

PreparedWeight prepareWeight(const WeightSource& source, const WeightForm& form, ThreadPool& pool, WeightMemory& memory) {
  PreparedWeight weight = form.kind == WeightForm::Kind::dense     ? keepDense(source, pool, memory)
                          : form.kind == WeightForm::Kind::decoded ? decode(source, pool, memory)
                                                                   : packOrDecode(source, form.shape, pool, memory);
  if (!weight.mapped.data) source.forgetPages();
  return weight;
}

}  // namespace lowbit
