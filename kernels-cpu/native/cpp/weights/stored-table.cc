#include "stored-table.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace lowbit {
namespace {

std::pair<std::shared_ptr<uint8_t>, Bytes> allocate(size_t size) {
  std::shared_ptr<uint8_t> data(new uint8_t[size], std::default_delete<uint8_t[]>());
  return {data, {data.get(), size, data}};
}

}  // namespace

void StoredTable::makeReady() {
  if (carry) addToWords(*carry);
  if (stream) moveStreamLast(*stream);
  check();
}

void StoredTable::addToWords(const Carry& what) {
  const size_t width = static_cast<size_t>(what.wordBits) / 8;
  uint64_t ones = 0;
  for (int field = 0; field < what.wordBits / type.bits; field += 1) ones |= uint64_t{1} << (field * type.bits);
  const uint64_t addend = ones * static_cast<uint64_t>(what.value);
  auto [sums, result] = allocate(bytes.size);
  for (size_t start = 0; start + width <= bytes.size; start += width) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data + start, width);
    word += addend;
    std::memcpy(sums.get() + start, &word, width);
  }
  forgetPages(bytes);
  bytes = result;
}

void StoredTable::moveStreamLast(const Stream& what) {
  const auto& [wordBits, outer, words, inner] = what;
  const int64_t width = wordBits / 8;
  if (outer * words * inner * width != static_cast<int64_t>(bytes.size)) {
    throw std::invalid_argument("a stream whose words are not all of its tensor");
  }
  auto [moved, result] = allocate(bytes.size);
  for (int64_t o = 0; o < outer; o += 1) {
    for (int64_t w = 0; w < words; w += 1) {
      for (int64_t i = 0; i < inner; i += 1) {
        std::memcpy(moved.get() + ((o * inner + i) * words + w) * width, bytes.data + ((o * words + w) * inner + i) * width,
                    static_cast<size_t>(width));
      }
    }
  }
  forgetPages(bytes);
  bytes = result;
}

void StoredTable::check() const {
  if (rows.empty() || columns.empty()) return;
  const auto [leastRow, mostRow] = std::minmax_element(rows.begin(), rows.end());
  const auto [leastColumn, mostColumn] = std::minmax_element(columns.begin(), columns.end());
  const int64_t limit = static_cast<int64_t>(bytes.size) * 8;
  // Each by itself first, so that no sum overflows.
  const bool inside = *leastRow >= 0 && *leastColumn >= 0 && *mostRow <= limit && *mostColumn <= limit &&
                      *mostRow + *mostColumn + type.bits <= limit;
  if (!inside) throw std::invalid_argument("a code outside its tensor");
  if (type.bits > 57) {
    for (const int64_t row : rows) {
      for (const int64_t column : columns) {
        if ((row + column) % 8 != 0) throw std::invalid_argument("a 64-bit element that begins inside a byte");
      }
    }
  }
}

void StoredTable::readBytes(int64_t first, int64_t count, const int32_t* order, bool extendSign, uint8_t* out,
                            int64_t stride) const {
  const int64_t width = static_cast<int64_t>(columns.size());
  const int up = extendSign ? 8 - type.bits : 0;
  const auto code = [&](int64_t row, int64_t column) {
    const auto bits = static_cast<uint8_t>(read(rows[row] + columns[column]));
    return static_cast<uint8_t>(static_cast<int8_t>(static_cast<uint8_t>(bits << up)) >> up);
  };
  const auto plain = [&](int64_t row, int64_t column) { return static_cast<uint8_t>(read(rows[row] + columns[column])); };
  // Along whichever axis neighbours lie closer together in the file.
  const bool rowsClose = count > 1 && width > 1 && std::abs(rows[first + 1] - rows[first]) < std::abs(columns[1] - columns[0]);
  const auto fill = [&](auto read) {
    if (rowsClose) {
      for (int64_t i = 0; i < width; i += 1) {
        const int64_t column = order ? order[i] : i;
        for (int64_t r = 0; r < count; r += 1) out[r * stride + i] = read(first + r, column);
      }
      return;
    }
    for (int64_t r = 0; r < count; r += 1) {
      for (int64_t i = 0; i < width; i += 1) out[r * stride + i] = read(first + r, order ? order[i] : i);
    }
  };
  if (up > 0) fill(code);
  else fill(plain);
}

void StoredTable::readNumbers(int64_t row, float* out) const {
  const int64_t width = static_cast<int64_t>(columns.size());
  if (type.bits <= 8 && width >= 256) {
    float table[256];
    for (int code = 0; code < 1 << type.bits; code += 1) table[code] = static_cast<float>(decodeElement(static_cast<uint64_t>(code), type));
    for (int64_t i = 0; i < width; i += 1) out[i] = table[codeAt(row, i)];
    return;
  }
  for (int64_t i = 0; i < width; i += 1) out[i] = static_cast<float>(numberAt(row, i));
}

}  // namespace lowbit
