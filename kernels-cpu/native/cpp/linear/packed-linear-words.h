// Packing of codes that lie in a file as whole words of 32 bits, as most checkpoints have them: words go from there to their
// place, and no code is looked at by itself.
#pragma once
#include <cstdint>
#include <optional>

#include "linear.h"

namespace lowbit {

// A table of 4-bit or 8-bit codes. The code of row r and column c begins at bit rows[r] + columns[c] of `bytes`; `add` is to be
// added to it, modulo 2^bits.
struct CodeTable {
  const uint8_t* bytes;
  const int64_t* rows;
  const int64_t* columns;
  int bits;
  int64_t add;
};

// How the words of a table lie. A word holds 32 / bits neighbouring codes:
//
//   columns   of one row, ascending                  word 7654 3210   (columns; 4 bits)
//   rows      of one column, 4 bits, in any order    word 7531 6420   (rows, for example)
struct CodeWords {
  enum class Along { columns, rows };
  CodeTable table;
  Along along;
  // Along columns: whether the words of a row adjoin, and whether those of neighbouring rows do.
  bool rowsRun, lanesAdjoin;
  // Along rows: bits from the word to its row j of eight, and whether the words of neighbouring eights adjoin.
  int64_t fields[8];
};

// Nothing where the table has no such words, or where they do not fit the chunks of the shape.
std::optional<CodeWords> findWords(const CodeTable&, const WeightShape&);

// Packs the codes of blocks [firstBlock, lastBlock), and no tables. Thread-safe for different blocks.
void packWords(const PackedLinear&, const CodeWords&, int64_t firstBlock, int64_t lastBlock);

}  // namespace lowbit
