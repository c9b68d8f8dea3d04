// Codes that lie as words of a file, packed word by word: the same bytes as code by code.
#include <algorithm>
#include <cstring>

#include "checks.h"
#include "packed-linear-tables.h"
#include "packed-linear-words.h"

namespace checks {
namespace {

enum class Lie { rows, wordsOfColumns, wordsOfRows, scattered };

// A layer's codes as a table, with `add` taken off every code.
struct Table {
  std::vector<int64_t> rows, columns;
  std::vector<uint8_t> bytes;
  CodeTable view;
};

Table tableOf(const Layer& layer, int bits, Lie lie, std::mt19937& random) {
  const int64_t out = layer.shape.outFeatures, in = layer.shape.inFeatures;
  const int64_t perWord = 32 / bits, gap = 8 * (random() % 3);
  Table table;
  table.rows.resize(static_cast<size_t>(out));
  table.columns.resize(static_cast<size_t>(in));
  int order[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  std::shuffle(order, order + 8, random);
  for (int64_t o = 0; o < out; o += 1) {
    table.rows[o] = lie == Lie::rows ? o * (in * bits + gap) : lie == Lie::wordsOfColumns ? o * 32 : o / perWord * 32 + order[o % perWord] * bits;
  }
  for (int64_t i = 0; i < in; i += 1) {
    table.columns[i] = lie == Lie::rows             ? i * bits
                       : lie == Lie::wordsOfColumns ? i / perWord * (out * 32 + gap) + i % perWord * bits
                                                    : i * (out * bits + gap);
  }
  if (lie == Lie::scattered) std::shuffle(table.columns.begin(), table.columns.end(), random);
  const int64_t add = static_cast<int64_t>(random() % 3 * (random() % 256)) - (random() % 2 ? 128 : 0);
  const auto last = [](const std::vector<int64_t>& positions) { return *std::max_element(positions.begin(), positions.end()); };
  table.bytes.assign(static_cast<size_t>((last(table.rows) + last(table.columns) + bits + 7) / 8), 0);
  for (int64_t o = 0; o < out; o += 1) {
    for (int64_t i = 0; i < in; i += 1) {
      const int64_t position = table.rows[o] + table.columns[i];
      const int code = (layer.codes[o * in + i] - static_cast<int>(add)) & ((1 << bits) - 1);
      table.bytes[position / 8] |= static_cast<uint8_t>(code << position % 8);
    }
  }
  table.view = {table.bytes.data(), table.rows.data(), table.columns.data(), bits, add};
  return table;
}

void checkWords(const WeightShape& shape, Lie lie, std::mt19937& random, Report& report) {
  Layer layer = randomLayer(shape, random);
  pack(layer);
  const int bits = shape.codes == CodeType::u4 || shape.codes == CodeType::i4 || shape.codes == CodeType::f4e2m1 ? 4 : 8;
  if (lie == Lie::wordsOfRows && bits == 8) return;
  const Table table = tableOf(layer, bits, lie, random);
  const std::string what = describe(InstructionSet::plain, shape, Accuracy::exact, 0) + ", words " + std::to_string(static_cast<int>(lie));
  const std::optional<CodeWords> words = findWords(table.view, shape);
  const bool fits = shape.inFeatures % 8 == 0 && (shape.groupSize % 8 == 0 || shape.groupSize >= shape.inFeatures);
  // Columns of words along the rows may lie anywhere.
  const bool found = lie == Lie::rows || lie == Lie::wordsOfColumns || (bits == 4 && shape.outFeatures % 8 == 0);
  if (!report.check(words.has_value() == (fits && found), "words are found in " + what) || !words) return;

  const size_t size = packedBytes(shape);
  const auto memory = aligned(size);
  std::memset(memory.get(), 0xa5, size);
  const PackedLinear packed = {shape, memory.get()};
  const int64_t blocks = blockCount(shape.outFeatures), middle = static_cast<int64_t>(random() % static_cast<uint32_t>(blocks + 1));
  packWords(packed, *words, middle, blocks);
  packWords(packed, *words, 0, middle);
  for (int64_t block = 0; block < blocks; block += 1) {
    const int64_t at = block * blockRows * layer.groups;
    packTables(packed, block, layer.scales.data() + at, layer.zeros.empty() ? nullptr : layer.zeros.data() + at);
  }
  report.check(std::memcmp(memory.get(), layer.memory.get(), size) == 0, "the same bytes from " + what);
}

}  // namespace

void words(std::mt19937& random, Report& report) {
  for (const CodeType code : {CodeType::u4, CodeType::i4, CodeType::f4e2m1, CodeType::u8, CodeType::i8, CodeType::f8e4m3, CodeType::f8e4m3fnuz, CodeType::f8e5m2}) {
    for (const Lie lie : {Lie::rows, Lie::wordsOfColumns, Lie::wordsOfRows, Lie::scattered}) {
      for (const int64_t out : {8, 32, 40, 45, 720}) {
        for (const int64_t in : {8, 64, 296, 300}) {
          for (const int64_t group : {12, 32, 512}) {
            const bool zeros = (code == CodeType::u4 || code == CodeType::u8) && random() % 2 == 0;
            checkWords({out, in, group, code, ScaleType::f16, zeros ? ZeroType::u8 : ZeroType::none}, lie, random, report);
          }
        }
      }
    }
  }
}

}  // namespace checks
