// What a KV cache keeps of a number: the nearest element of its type.
#include <algorithm>
#include <set>

#include "checks.h"

namespace checks {
namespace {

// Every number of a type, by its code.
std::vector<double> numbersOf(const ElementType& type) {
  std::vector<double> numbers;
  for (uint64_t code = 0; code < uint64_t{1} << type.bits; code += 1) numbers.push_back(decodeElement(code, type));
  return numbers;
}

float randomFloat(std::mt19937& random) {
  const auto bits = static_cast<uint32_t>(random());
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Codes written for all of x, by a cache without scales.
std::vector<uint32_t> codesOf(const std::string& type, const Numbers& x) {
  const auto count = static_cast<int64_t>(x.size());
  KvCache cache(type, 1, count, count, 1, 1, {}, {});
  const int32_t block = 0;
  cache.write(&block, 0, x.data(), x.data());
  const int bytes = parseElementType(type).bits / 8;
  std::vector<uint32_t> codes(x.size());
  for (size_t i = 0; i < x.size(); i += 1) std::memcpy(&codes[i], cache.keys().data + i * static_cast<size_t>(bytes), static_cast<size_t>(bytes));
  return codes;
}

}  // namespace

void caches(std::mt19937& random, Report& report) {
  for (const std::string name : {"f16", "bf16", "f8e4m3", "f8e5m2", "i8"}) {
    const ElementType type = parseElementType(name);
    const std::vector<double> numbers = numbersOf(type);
    std::set<double> finite;
    for (const double number : numbers) {
      if (std::isfinite(number)) finite.insert(number);
    }
    const double least = *finite.begin(), greatest = *finite.rbegin();

    // Every number of the type, halfway to the next, and just beside it; then whatever bits there are.
    Numbers x = {0.0f, -0.0f, smallest, -smallest, largest, -largest, infinity, -infinity, notANumber};
    for (auto next = finite.begin(); next != finite.end(); ++next) {
      x.push_back(static_cast<float>(*next));
      if (std::next(next) == finite.end()) break;
      const auto half = static_cast<float>((*next + *std::next(next)) / 2);
      for (const float beside : {half, std::nextafter(half, infinity), std::nextafter(half, -infinity)}) x.push_back(beside);
    }
    for (int i = 0; i < 20000; i += 1) x.push_back(randomFloat(random));

    const std::vector<uint32_t> codes = codesOf(name, x);
    for (size_t i = 0; i < x.size(); i += 1) {
      const double found = numbers[codes[i]], value = x[i];
      const std::string what = "a cache of " + name + " keeps " + std::to_string(found) + " for " + std::to_string(value);
      if (std::isnan(value)) {
        report.check(type.isInteger() ? found == least : std::isnan(found), what);
        continue;
      }
      // Half a step beyond the last number, IEEE types give infinity and the others the last number.
      const double last = value < 0 ? least : greatest;
      const auto upper = finite.lower_bound(value);
      const bool beyond = value < least || value > greatest;
      if (beyond) {
        const bool infinite = type.overflowsToInfinity && std::isinf(found) && (found > 0) == (value > 0);
        report.check(infinite || found == last, what);
        continue;
      }
      const double above = *upper, below = *upper == value ? value : *std::prev(upper);
      const double distance = std::min(above - value, value - below);
      if (!report.check(std::abs(found - value) == distance, what)) break;
      // Halfway: the even code. Zero's own sign stays.
      if (above - value == value - below && above != below) report.check((codes[i] & 1) == 0, what + ", which is not even");
      if (value == 0 && !type.isInteger()) report.check(std::signbit(found) == std::signbit(value), what);
    }
  }

  // f32 stays as it is.
  const Numbers x = {1, notANumber, infinity, smallest, -0.0f};
  KvCache cache("f32", 1, 5, 5, 1, 1, {}, {});
  const int32_t block = 0;
  cache.write(&block, 0, x.data(), x.data());
  report.check(std::memcmp(cache.keys().data, x.data(), sizeof(float) * 5) == 0, "a cache of f32 keeps every bit");
}

}  // namespace checks
