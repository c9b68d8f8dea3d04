#include "packed-linear-words.h"

#include <algorithm>

#include "loops/scalar.h"

namespace lowbit {
namespace {

#if defined(__clang__) || __GNUC__ >= 12
#define LOWBIT_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define LOWBIT_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, decltype(a){__VA_ARGS__})
#endif

// Four words of the same place in four rows, or whatever four lanes are.
using Four = uint32_t __attribute__((vector_size(16)));
using Sixteen = uint8_t __attribute__((vector_size(16)));

Four load(const void* from) {
  Four four;
  std::memcpy(&four, from, 16);
  return four;
}
void store(void* to, Four four) { std::memcpy(to, &four, 16); }

uint32_t wordAt(const uint8_t* bytes, int64_t position) {
  uint32_t word;
  std::memcpy(&word, bytes + (position >> 3), 4);
  return word;
}

// Word i of row j becomes word j of row i.
void transpose(Four (&rows)[4]) {
  const auto low = [](Four a, Four b) { return LOWBIT_SHUFFLE(a, b, 0, 4, 1, 5); };
  const auto high = [](Four a, Four b) { return LOWBIT_SHUFFLE(a, b, 2, 6, 3, 7); };
  const Four a = low(rows[0], rows[2]), b = high(rows[0], rows[2]), c = low(rows[1], rows[3]), d = high(rows[1], rows[3]);
  rows[0] = low(a, c);
  rows[1] = high(a, c);
  rows[2] = low(b, d);
  rows[3] = high(b, d);
}

// Nibble i of word j becomes nibble j of word i, in each lane.
void transposeNibbles(Four (&words)[8]) {
  constexpr uint32_t masks[] = {0x0f0f0f0f, 0x00ff00ff, 0x0000ffff};
  for (int step = 1, stage = 0; step < 8; step *= 2, stage += 1) {
    for (int i = 0; i < 8; i += 1) {
      if (i & step) continue;
      const Four swapped = (words[i] >> (4 * step) ^ words[i + step]) & masks[stage];
      words[i] ^= swapped << (4 * step);
      words[i + step] ^= swapped;
    }
  }
}

// `add` to each code of a word, whose highest bits are `tops`.
struct Adder {
  uint32_t tops, low, high;
  Adder(int bits, int64_t add) : tops(bits == 4 ? 0x88888888 : 0x80808080) {
    const uint32_t ones = bits == 4 ? 0x11111111 : 0x01010101;
    const uint32_t all = ones * (static_cast<uint32_t>(add) & ((1u << bits) - 1));
    low = all & ~tops;
    high = all & tops;
  }
  Four operator()(Four words) const { return ((words & ~tops) + low) ^ ((words & tops) ^ high); }
};

// Even bytes of two vectors, side by side, and odd ones.
Sixteen evens(Sixteen a, Sixteen b) {
  return LOWBIT_SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
Sixteen odds(Sixteen a, Sixteen b) {
  return LOWBIT_SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}

// Writes octets from their words of 32 rows each: one word of 4-bit codes, two of 8-bit ones.
class OctetWriter {
 public:
  OctetWriter(const WeightShape& shape, int bits, int64_t add)
      : fourBit_(bits == 4), float8_(isFloat8(shape.codes)), adder_(bits, add + (isSigned(shape.codes) ? 1 << (bits - 1) : 0)) {}

  int64_t wordsPerOctet() const { return fourBit_ ? 1 : 2; }

  void write(const uint32_t (*words)[blockRows], uint8_t* octet) const {
    if (fourBit_) {
      for (int64_t row = 0; row < blockRows; row += 4) store(octet + row * 4, adder_(load(words[0] + row)));
    } else if (!float8_) {
      writeIntegers(words, octet);
    } else {
      for (int64_t half = 0; half < 2; half += 1) {
        for (int64_t word = 0; word < 2; word += 1) writeFloats(words[word] + half * 16, octet + half * 128 + word * 64);
      }
    }
  }

 private:
  static bool isSigned(CodeType codes) { return codes == CodeType::i4 || codes == CodeType::i8; }

  // dword A  k0 k2 k4 k6, dword B  k1 k3 k5 k7
  void writeIntegers(const uint32_t (*words)[blockRows], uint8_t* octet) const {
    const auto pairs = [](Four v) { return ((v & 0x00ff00ff) | (v & 0x00ff00ff) >> 8) & 0xffff; };
    for (int64_t row = 0; row < blockRows; row += 4) {
      const Four first = adder_(load(words[0] + row)), second = adder_(load(words[1] + row));
      uint8_t* target = octet + row / 16 * 128 + row % 16 * 4;
      store(target, pairs(first) | pairs(second) << 16);
      store(target + 64, pairs(first >> 8) | pairs(second >> 8) << 16);
    }
  }

  // Four columns of sixteen rows: byte k of row r goes to 16 k + r. Taking the even bytes first moves the lowest bit of an
  // index to its top; twice, and k has changed places with r.
  void writeFloats(const uint32_t* words, uint8_t* target) const {
    Sixteen quads[4];
    for (int i = 0; i < 4; i += 1) quads[i] = reinterpret_cast<Sixteen>(adder_(load(words + 4 * i)));
    const Sixteen a = evens(quads[0], quads[1]), b = evens(quads[2], quads[3]), c = odds(quads[0], quads[1]), d = odds(quads[2], quads[3]);
    const Sixteen columns[4] = {evens(a, b), evens(c, d), odds(a, b), odds(c, d)};
    std::memcpy(target, columns, 64);
  }

  bool fourBit_, float8_;
  Adder adder_;
};

// Bit positions of the 32 rows of a block; where it has fewer, its last one again, or its last eight.
struct BlockRows {
  int64_t positions[blockRows];
  BlockRows(const CodeWords& words, const WeightShape& shape, int64_t block) {
    const int64_t together = words.along == CodeWords::Along::rows ? 8 : 1;
    for (int64_t row = 0; row < blockRows; row += 1) {
      positions[row] = words.table.rows[std::min(block * blockRows + row, shape.outFeatures - together + row % together)];
    }
  }
};

// The words of 32 rows at one place.
void readLanes(const CodeWords& words, const BlockRows& rows, int64_t column, uint32_t* lanes) {
  const int64_t position = words.table.columns[column];
  const uint8_t* bytes = words.table.bytes;
  if (words.lanesAdjoin && rows.positions[blockRows - 1] - rows.positions[0] == 32 * (blockRows - 1)) {
    std::memcpy(lanes, bytes + ((rows.positions[0] + position) >> 3), blockRows * 4);
    return;
  }
  for (int64_t row = 0; row < blockRows; row += 1) lanes[row] = wordAt(bytes, rows.positions[row] + position);
}

// Four neighbouring words of 32 rows.
void readRuns(const CodeWords& words, const BlockRows& rows, int64_t column, uint32_t (*lanes)[blockRows]) {
  const int64_t position = words.table.columns[column];
  for (int64_t row = 0; row < blockRows; row += 4) {
    Four four[4];
    for (int64_t i = 0; i < 4; i += 1) four[i] = load(words.table.bytes + ((rows.positions[row + i] + position) >> 3));
    transpose(four);
    for (int64_t i = 0; i < 4; i += 1) store(lanes[i] + row, four[i]);
  }
}

// The words of 32 rows, from words along the rows.
void readNibbles(const CodeWords& words, const BlockRows& rows, int64_t column, uint32_t* lanes) {
  int64_t starts[4];
  for (int64_t eight = 0; eight < 4; eight += 1) starts[eight] = rows.positions[eight * 8] - words.fields[0];
  const bool adjoin = words.lanesAdjoin && starts[3] - starts[0] == 96;
  Four codes[8], turned[8];
  for (int64_t k = 0; k < 8; k += 1) {
    const int64_t position = words.table.columns[column + k];
    if (adjoin) {
      codes[k] = load(words.table.bytes + ((starts[0] + position) >> 3));
    } else {
      for (int64_t eight = 0; eight < 4; eight += 1) codes[k][eight] = wordAt(words.table.bytes, starts[eight] + position);
    }
  }
  transposeNibbles(codes);
  for (int64_t j = 0; j < 8; j += 1) turned[j] = codes[words.fields[j] / 4];
  for (int64_t half = 0; half < 2; half += 1) {
    Four four[4] = {turned[half * 4], turned[half * 4 + 1], turned[half * 4 + 2], turned[half * 4 + 3]};
    transpose(four);
    for (int64_t eight = 0; eight < 4; eight += 1) store(lanes + eight * 8 + half * 4, four[eight]);
  }
}

// Code 0 for the rows that the last block does not have.
void clearRows(const PackedLayout& layout, const WeightShape& shape, int64_t rows, uint8_t* octet, int64_t count) {
  const int64_t width = isFloat8(shape.codes) ? 1 : 4;
  for (uint8_t* line = octet; line < octet + count * layout.octetBytes; line += 16 * width) {
    const int64_t half = (line - octet) % layout.octetBytes / (layout.octetBytes / 2);
    const int64_t first = std::clamp<int64_t>(rows - half * 16, 0, 16);
    std::memset(line + first * width, 0, static_cast<size_t>((16 - first) * width));
  }
}

// Words of one row lie one after the other: block by block, four words of a row at a time.
void packRuns(const PackedLinear& weight, const CodeWords& words, const OctetWriter& writer, int64_t block) {
  const PackedLayout layout(weight.shape);
  const BlockRows rows(words, weight.shape, block);
  const int64_t perOctet = writer.wordsPerOctet(), perRead = 4 / perOctet;
  uint8_t* target = weight.data + block * layout.blockBytes + layout.headerBytes;
  for (ChunkWalk c(layout); c.columns > 0; c.next()) {
    const int64_t octets = c.octets();
    alignas(16) uint32_t lanes[4][blockRows];
    int64_t octet = 0;
    for (; octet + perRead <= octets; octet += perRead) {
      readRuns(words, rows, c.first + octet * 8, lanes);
      for (int64_t i = 0; i < perRead; i += 1) writer.write(lanes + i * perOctet, target + (octet + i) * layout.octetBytes);
    }
    for (; octet < octets; octet += 1) {
      for (int64_t i = 0; i < perOctet; i += 1) readLanes(words, rows, c.first + octet * 8 + i * 4, lanes[i]);
      writer.write(lanes, target + octet * layout.octetBytes);
    }
    target += octets * layout.octetBytes + (layout.wholeRow ? 0 : layout.tableBytes);
  }
}

// Words of neighbouring rows lie close together: several blocks side by side, or little of what a row of words brings into
// the caches is used.
constexpr int64_t blocksAcross = 16;

void packAcross(const PackedLinear& weight, const CodeWords& words, const OctetWriter& writer, int64_t firstBlock, int64_t lastBlock) {
  const PackedLayout layout(weight.shape);
  for (int64_t first = firstBlock; first < lastBlock; first += blocksAcross) {
    const int64_t count = std::min(blocksAcross, lastBlock - first);
    std::optional<BlockRows> rows[blocksAcross];
    for (int64_t i = 0; i < count; i += 1) rows[i].emplace(words, weight.shape, first + i);
    uint8_t* target = weight.data + first * layout.blockBytes + layout.headerBytes;
    for (ChunkWalk c(layout); c.columns > 0; c.next()) {
      for (int64_t octet = 0; octet < c.octets(); octet += 1) {
        const int64_t column = c.first + octet * 8;
        for (int64_t i = 0; i < count; i += 1) {
          alignas(16) uint32_t lanes[2][blockRows];
          if (words.along == CodeWords::Along::rows) readNibbles(words, *rows[i], column, lanes[0]);
          else for (int64_t w = 0; w < writer.wordsPerOctet(); w += 1) readLanes(words, *rows[i], column + w * 4, lanes[w]);
          writer.write(lanes, target + i * layout.blockBytes + octet * layout.octetBytes);
        }
      }
      target += c.octets() * layout.octetBytes + (layout.wholeRow ? 0 : layout.tableBytes);
    }
  }
}

bool hasWholeOctets(const WeightShape& shape) {
  const PackedLayout layout(shape);
  return shape.inFeatures % 8 == 0 && layout.groupSize % 8 == 0;
}

// Whether runs of `count` positions each hold neighbouring codes, ascending, from whole bytes on.
bool holdsRuns(const int64_t* positions, int64_t size, int64_t count, int bits) {
  for (int64_t first = 0; first < size; first += count) {
    if (positions[first] % 8 != 0) return false;
    for (int64_t i = 1; i < count; i += 1) {
      if (positions[first + i] - positions[first] != i * bits) return false;
    }
  }
  return true;
}

bool areWholeBytes(const int64_t* positions, int64_t size) {
  return std::all_of(positions, positions + size, [](int64_t position) { return position % 8 == 0; });
}

bool findAlongRows(CodeWords& words, const WeightShape& shape) {
  const int64_t* rows = words.table.rows;
  if (words.table.bits != 4 || shape.outFeatures % 8 != 0 || !areWholeBytes(words.table.columns, shape.inFeatures)) return false;
  const int64_t start = *std::min_element(rows, rows + 8);
  bool taken[8] = {};
  for (int64_t j = 0; j < 8; j += 1) {
    words.fields[j] = rows[j] - start;
    if (words.fields[j] > 28 || words.fields[j] % 4 != 0 || taken[words.fields[j] / 4]) return false;
    taken[words.fields[j] / 4] = true;
  }
  for (int64_t row = 0; row < shape.outFeatures; row += 8) {
    const int64_t word = rows[row] - words.fields[0];
    if (word % 8 != 0) return false;
    for (int64_t j = 0; j < 8; j += 1) {
      if (rows[row + j] != word + words.fields[j]) return false;
    }
  }
  words.lanesAdjoin = shape.outFeatures >= 16 && rows[8] - rows[0] == 32;
  return true;
}

}  // namespace

std::optional<CodeWords> findWords(const CodeTable& table, const WeightShape& shape) {
  const bool fp6 = shape.codes == CodeType::f6e2m3 || shape.codes == CodeType::f6e3m2;
  if (fp6 || table.bits != (isFourBit(shape.codes) ? 4 : 8) || !hasWholeOctets(shape)) return {};
  CodeWords words{table, CodeWords::Along::columns, false, false, {}};
  const int64_t perWord = 32 / table.bits;
  if (areWholeBytes(table.rows, shape.outFeatures) && holdsRuns(table.columns, shape.inFeatures, perWord, table.bits)) {
    words.rowsRun = holdsRuns(table.columns, shape.inFeatures, shape.inFeatures, table.bits);
    words.lanesAdjoin = holdsRuns(table.rows, shape.outFeatures, shape.outFeatures, 32);
    return words;
  }
  words.along = CodeWords::Along::rows;
  if (findAlongRows(words, shape)) return words;
  return {};
}

void packWords(const PackedLinear& weight, const CodeWords& words, int64_t firstBlock, int64_t lastBlock) {
  const OctetWriter writer(weight.shape, words.table.bits, words.table.add);
  if (words.rowsRun) {
    for (int64_t block = firstBlock; block < lastBlock; block += 1) packRuns(weight, words, writer, block);
  } else {
    packAcross(weight, words, writer, firstBlock, lastBlock);
  }
  const PackedLayout layout(weight.shape);
  const int64_t rows = weight.shape.outFeatures - (lastBlock - 1) * blockRows;
  if (rows >= blockRows || firstBlock == lastBlock) return;
  uint8_t* octets = weight.data + (lastBlock - 1) * layout.blockBytes + layout.headerBytes;
  for (ChunkWalk c(layout); c.columns > 0; c.next()) {
    clearRows(layout, weight.shape, rows, octets, c.octets());
    octets += c.octets() * layout.octetBytes + (layout.wholeRow ? 0 : layout.tableBytes);
  }
}

}  // namespace lowbit
