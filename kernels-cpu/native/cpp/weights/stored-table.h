// A stored tensor as a table of codes. The layout has been turned into bit positions: the code of row r and column c begins
// at bit rows[r] + columns[c] of the linear bytes, which are the stored ones unless words carry or streams run across them.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "../element-type.h"
#include "../mapped-file.h"

namespace lowbit {

class StoredTable {
 public:
  ElementType type{ElementType::Kind::unsignedInteger, 8};
  std::vector<int64_t> rows, columns;
  int64_t add = 0;  // to every code, modulo 2^bits
  Bytes bytes;

  // `value` is to be added to every field of every word at once, so that carries run through the word.
  struct Carry {
    int wordBits;
    int64_t value;
  };
  std::optional<Carry> carry;
  // The words of one stream are to become neighbours: [outer][words][inner] becomes [outer][inner][words].
  struct Stream {
    int wordBits;
    int64_t outer, words, inner;
  };
  std::optional<Stream> stream;

  // Does both, and checks. Throws std::invalid_argument where a code lies outside the bytes. Once, before anything is read.
  void makeReady();

  uint64_t codeAt(int64_t row, int64_t column) const { return read(rows[row] + columns[column]); }
  double numberAt(int64_t row, int64_t column) const { return decodeElement(codeAt(row, column), type); }

  // Codes of `count` rows from `first` on as bytes, out[row][column] with `stride` columns a row; column i of the answer is
  // column order[i] of the table, or i where order is null. Types of at most 8 bits; two's complement where `extendSign`.
  void readBytes(int64_t first, int64_t count, const int32_t* order, bool extendSign, uint8_t* out, int64_t stride) const;
  // The numbers of a row, each rounded to f32.
  void readNumbers(int64_t row, float* out) const;

 private:
  void addToWords(const Carry&);
  void moveStreamLast(const Stream&);
  void check() const;
  uint64_t read(int64_t position) const {
    const size_t first = static_cast<size_t>(position >> 3);
    const int shift = static_cast<int>(position & 7);
    uint64_t word = 0;
    if (first + 8 <= bytes.size) __builtin_memcpy(&word, bytes.data + first, 8);
    else __builtin_memcpy(&word, bytes.data + first, bytes.size - first);
    return ((word >> shift) + static_cast<uint64_t>(add)) & mask();
  }
  uint64_t mask() const { return type.bits == 64 ? ~uint64_t{0} : (uint64_t{1} << type.bits) - 1; }
};

}  // namespace lowbit
