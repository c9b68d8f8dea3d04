// Attention over caches of every type: around the sixteen positions that are read at a time, with and without a window.
#include <algorithm>

#include "checks.h"

namespace checks {
namespace {

struct Shape {
  int64_t heads, kvHeads, headSize, valueHeadSize, blockSize, rows, firstPosition, window;
  std::string text() const {
    return std::to_string(heads) + "/" + std::to_string(kvHeads) + " heads of " + std::to_string(headSize) + "/" + std::to_string(valueHeadSize) +
           ", blocks of " + std::to_string(blockSize) + ", " + std::to_string(rows) + " rows from " + std::to_string(firstPosition) +
           ", window " + std::to_string(window);
  }
  int64_t length() const { return firstPosition + rows; }
};

constexpr Shape shapes[] = {
    {1, 1, 1, 1, 1, 1, 0, 0},        {2, 1, 7, 7, 3, 5, 0, 0},       {3, 3, 15, 17, 16, 4, 13, 0},   {4, 2, 16, 16, 16, 17, 0, 0},
    {6, 2, 64, 64, 16, 9, 30, 0},    {8, 1, 80, 96, 16, 2, 47, 0},   {4, 4, 33, 65, 5, 33, 2, 0},    {2, 2, 128, 128, 16, 1, 333, 0},
    {4, 2, 16, 16, 16, 40, 0, 1},    {2, 1, 20, 20, 16, 40, 5, 15},  {2, 1, 64, 64, 7, 40, 100, 16}, {6, 3, 31, 64, 16, 21, 60, 33},
    {1, 1, 48, 48, 16, 12, 0, 1000},
};

struct Case {
  Shape shape;
  std::string type;
  KvCache::Quantization key, value;
  std::vector<int32_t> blocks;  // of the sequence
  Numbers query, keys, values;  // of all positions, also before the first row
  float scale;
  bool precise;
};

// Positions [first, first + rows) of the case's sequence in one run, from whatever the cache holds before.
Numbers runRows(Model& model, const Case& c, size_t cache, int64_t first, int64_t rows) {
  const Shape& s = c.shape;
  const int64_t queryWidth = s.heads * s.headSize, keyWidth = s.kvHeads * s.headSize, valueWidth = s.kvHeads * s.valueHeadSize;
  auto& operation = setOperation<AttentionOperation>(model, {queryWidth, keyWidth, valueWidth, s.heads * s.valueHeadSize});
  operation.cache = model.module<std::unique_ptr<KvCache>>(cache).get();
  operation.query = 0, operation.key = 1, operation.value = 2, operation.output = 3;
  operation.numHeads = s.heads, operation.scale = c.scale, operation.slidingWindow = s.window, operation.precise = c.precise;
  std::vector<int32_t> positions;
  for (int64_t row = 0; row < rows; row += 1) positions.push_back(static_cast<int32_t>(first + row));
  Batch batch = batchOf(positions, {{0, rows, c.blocks, false}});
  const auto part = [&](const Numbers& all, int64_t width) { return Numbers(all.begin() + first * width, all.begin() + (first + rows) * width); };
  return model.run(batch, {{0, part(c.query, queryWidth)}, {1, part(c.keys, keyWidth)}, {2, part(c.values, valueWidth)}}, 3);
}

// What the first rows find. Places that no position has written yet hold NaN, where the type has one: nothing may read them.
size_t addCache(Model& model, const Case& c) {
  const Shape& s = c.shape;
  const auto blocks = static_cast<int64_t>(c.blocks.size());
  auto cache = std::make_unique<KvCache>(c.type, s.kvHeads, s.headSize, s.valueHeadSize, s.blockSize, blocks + 1, c.key, c.value);
  const int64_t keyWidth = s.kvHeads * s.headSize, valueWidth = s.kvHeads * s.valueHeadSize;
  const Numbers spoiled(static_cast<size_t>(std::max(keyWidth, valueWidth)), notANumber);
  for (int64_t p = 0; p < blocks * s.blockSize; p += 1) {
    const bool before = p < s.firstPosition;
    cache->write(c.blocks.data(), p, before ? c.keys.data() + p * keyWidth : spoiled.data(), before ? c.values.data() + p * valueWidth : spoiled.data());
  }
  return model.add(std::move(cache));
}

Numbers runCase(InstructionSet set, const Case& c, int threads = 1) {
  Model model(threads, set);
  return runRows(model, c, addCache(model, c), c.shape.firstPosition, c.shape.rows);
}

Numbers runOneByOne(InstructionSet set, const Case& c) {
  Model model(1, set);
  const size_t cache = addCache(model, c);
  Numbers all;
  for (int64_t row = 0; row < c.shape.rows; row += 1) {
    const Numbers one = runRows(model, c, cache, c.shape.firstPosition + row, 1);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

// What the cache makes of the keys or values of all positions, read where it lies.
Numbers kept(const Case& c, bool value) {
  const Shape& s = c.shape;
  KvCache cache(c.type, s.kvHeads, s.headSize, s.valueHeadSize, s.length(), 1, c.key, c.value);
  const int32_t block = 0;
  for (int64_t p = 0; p < s.length(); p += 1) cache.write(&block, p, c.keys.data() + p * s.kvHeads * s.headSize, c.values.data() + p * s.kvHeads * s.valueHeadSize);
  const CacheElements elements = value ? cache.values() : cache.keys();
  const ElementType type = parseElementType(c.type);
  const int64_t features = s.kvHeads * elements.headSize;
  Numbers numbers;
  for (int64_t slot = 0; slot < s.length(); slot += 1) {
    for (int64_t i = 0; i < features; i += 1) {
      const int64_t lane = slot % elements.group, feature = i % elements.headSize;
      const int64_t at = elements.groupStart(slot, i / elements.headSize) + (value ? lane * elements.headSize + feature : feature * elements.group + lane);
      if (elements.type == CacheType::f32) {
        numbers.push_back(reinterpret_cast<const float*>(elements.data)[at]);
        continue;
      }
      uint16_t code = 0;
      std::memcpy(&code, elements.data + at * elements.elementBytes, static_cast<size_t>(elements.elementBytes));
      auto number = static_cast<float>(decodeElement(code, type));
      if (elements.zeros) number -= elements.zeros[i];
      if (elements.scales) number *= elements.scales[i];
      numbers.push_back(number);
    }
  }
  return numbers;
}

// Weights stop at e^-87 where they would be smaller still.
constexpr double leastWeight = 1.7e-38;

// Against f64. How far scores may be off is known from their terms; the weights are off by its exponential.
void checkNumbers(const Case& c, const Numbers& out, const std::string& title, Report& report) {
  const Shape& s = c.shape;
  const Numbers keys = kept(c, false), values = kept(c, true);
  for (int64_t row = 0; row < s.rows; row += 1) {
    const int64_t last = s.firstPosition + row, first = s.window > 0 ? std::max<int64_t>(0, last + 1 - s.window) : 0;
    for (int64_t head = 0; head < s.heads; head += 1) {
      const int64_t kvHead = head / (s.heads / s.kvHeads);
      std::vector<double> weights;
      double most = -INFINITY, doubt = 0;
      bool broken = false;
      for (int64_t p = first; p <= last; p += 1) {
        double dot = 0, magnitude = 0;
        for (int64_t i = 0; i < s.headSize; i += 1) {
          const double product = static_cast<double>(c.query[static_cast<size_t>((last * s.heads + head) * s.headSize + i)]) *
                                 static_cast<double>(keys[static_cast<size_t>((p * s.kvHeads + kvHead) * s.headSize + i)]);
          dot += product;
          magnitude += std::abs(product);
        }
        // f32 sums overflow where those of f64 do not.
        if (!(magnitude < largest) || !(magnitude * c.scale < largest)) broken = true;
        doubt = std::max(doubt, (c.precise ? 4 : 4 + static_cast<double>(s.headSize) / 4) * epsilon * magnitude * static_cast<double>(c.scale));
        weights.push_back(dot * static_cast<double>(c.scale));
        most = std::max(most, weights.back());
      }
      double sum = 0;
      for (double& weight : weights) sum += weight = std::exp(weight - most);
      for (int64_t i = 0; i < s.valueHeadSize; i += 1) {
        double expected = 0, magnitude = 0, greatest = 0;
        for (int64_t p = first; p <= last; p += 1) {
          const double value = values[static_cast<size_t>((p * s.kvHeads + kvHead) * s.valueHeadSize + i)];
          expected += weights[static_cast<size_t>(p - first)] / sum * value;
          magnitude += weights[static_cast<size_t>(p - first)] / sum * std::abs(value);
          greatest = std::max(greatest, std::abs(value));
        }
        const float found = out[static_cast<size_t>((row * s.heads + head) * s.valueHeadSize + i)];
        const std::string where = title + ": row " + std::to_string(row) + " head " + std::to_string(head) + " feature " + std::to_string(i);
        if (broken || !std::isfinite(expected)) {
          // Overflow may show as NaN or as the infinity that f64 has; never as a number beside the point.
          if (!std::isfinite(expected) && !report.check(!std::isfinite(found), where + " is finite")) return;
          continue;
        }
        const double terms = 16 + static_cast<double>(last - first + 1) / 4;
        const double tolerance = magnitude * std::min(2.0, std::expm1(std::min(2 * doubt, 10.0)) + 2 * (4e-7 + terms * epsilon)) + terms * smallest +
                                 leastWeight * static_cast<double>(last - first + 1) * greatest;
        if (!report.check(close(found, expected, std::min(tolerance, 2.001 * greatest)), where + " is " + std::to_string(found) + " instead of " + std::to_string(expected))) return;
      }
    }
  }
}

Case makeCase(const Shape& shape, const std::string& type, const HardInput& input, bool precise, std::mt19937& random) {
  Case c;
  c.shape = shape;
  c.type = type;
  c.precise = precise;
  c.scale = 1 / std::sqrt(static_cast<float>(shape.headSize));
  const int64_t blocks = (shape.length() + shape.blockSize - 1) / shape.blockSize;
  for (int64_t i = 0; i < blocks; i += 1) c.blocks.push_back(static_cast<int32_t>(i + 1));
  std::shuffle(c.blocks.begin(), c.blocks.end(), random);
  const int64_t keyWidth = shape.kvHeads * shape.headSize, valueWidth = shape.kvHeads * shape.valueHeadSize;
  c.query = gaussian(shape.length() * shape.heads * shape.headSize, random);
  c.keys = gaussian(shape.length() * keyWidth, random);
  c.values = gaussian(shape.length() * valueWidth, random);
  const auto hard = [&](Numbers& all, int64_t width) {
    const Numbers token = input.make(width, random);
    std::copy(token.begin(), token.end(), all.begin() + static_cast<int64_t>(random() % static_cast<uint64_t>(shape.length())) * width);
  };
  hard(c.query, shape.heads * shape.headSize);
  hard(c.keys, keyWidth);
  hard(c.values, valueWidth);
  if (type == "i8" || (type == "f8e4m3" && random() % 2)) {
    const auto table = [&](int64_t width, float least) {
      Numbers numbers(static_cast<size_t>(width));
      for (float& number : numbers) number = least + std::ldexp(static_cast<float>(random() % 16), -8);
      return numbers;
    };
    c.key.scales = table(keyWidth, 0.02f);
    c.value.scales = table(valueWidth, 0.02f);
    if (type == "i8") {
      c.key.zeros.assign(static_cast<size_t>(keyWidth), 3);
      c.value.zeros.assign(static_cast<size_t>(valueWidth), -100);
    }
  }
  return c;
}

}  // namespace

void attention(InstructionSet set, std::mt19937& random, Report& report) {
  constexpr const char* types[] = {"f32", "f16", "bf16", "f8e4m3", "f8e5m2", "i8"};
  for (const Shape& shape : shapes) {
    for (const HardInput& input : hardInputs()) {
      for (const bool precise : {false, true}) {
        const Case c = makeCase(shape, types[random() % 6], input, precise, random);
        const Numbers out = runCase(set, c);
        const std::string title = std::string(nameOf(set)) + " attention of " + c.type + (precise ? " in f64, " : " in f32, ") + input.name + ", " + shape.text();
        checkNumbers(c, out, title, report);
        if (precise) report.check(sameNumbers(out, runCase(InstructionSet::plain, c)), title + ": the bits of plain");
        report.check(sameNumbers(out, runCase(set, c, 3)), title + ": the bits of one thread");
        report.check(sameNumbers(out, runOneByOne(set, c)), title + ": the bits of a row alone");
      }
    }
  }
}

}  // namespace checks
