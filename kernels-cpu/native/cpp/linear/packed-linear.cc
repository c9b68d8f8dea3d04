// Packing of blocks, in portable C++: the layout is the same for every instruction set.
#include "packed-linear-codes.h"
#include "packed-linear-tables.h"
#include "loops/scalar.h"

namespace lowbit {
namespace {

constexpr int64_t largestFeatures = int64_t{1} << 40;

uint64_t eightCodes(const uint8_t* codes, int64_t columns) {
  uint64_t eight = 0;
  std::memcpy(&eight, codes, static_cast<size_t>(columns < 8 ? columns : 8));
  return eight;
}

// The codes of one row and chunk, lane = row.
void packCodes(CodeType type, const uint8_t* codes, int64_t columns, uint8_t* octets, int64_t octetBytes, int64_t row) {
  const int64_t half = row >> 4, lane = row & 15;
  for (int64_t k = 0; k < columns; k += 8) {
    const uint64_t eight = storedCodes(type, eightCodes(codes + k, columns - k));
    if (isFourBit(type)) {
      const uint32_t dword = evenBytes(eight | eight >> 4);
      std::memcpy(octets + half * 64 + lane * 4, &dword, 4);
    } else {
      const uint32_t even = evenBytes(eight), odd = evenBytes(eight >> 8);
      std::memcpy(octets + half * 128 + lane * 4, &even, 4);
      std::memcpy(octets + half * 128 + 64 + lane * 4, &odd, 4);
    }
    octets += octetBytes;
  }
}

// Byte j of word i becomes byte i of word j.
void transpose(uint64_t (&words)[8]) {
  constexpr uint64_t masks[] = {0x00ff00ff00ff00ffu, 0x0000ffff0000ffffu, 0x00000000ffffffffu};
  for (int step = 1, stage = 0; step < 8; step *= 2, stage += 1) {
    for (int i = 0; i < 8; i += 1) {
      if (i & step) continue;
      const uint64_t swapped = (words[i] >> (8 * step) ^ words[i + step]) & masks[stage];
      words[i] ^= swapped << (8 * step);
      words[i + step] ^= swapped;
    }
  }
}

// The codes of a chunk, column by column. first: the chunk's codes of row 0.
void packFloat8(CodeType type, const uint8_t* first, int64_t stride, int64_t rows, int64_t columns, uint8_t* octets,
                int64_t octetBytes) {
  for (int64_t k = 0; k < columns; k += 8) {
    for (int64_t row = 0; row < rows; row += 8) {
      uint64_t words[8] = {};
      for (int64_t i = 0; i < 8 && row + i < rows; i += 1) {
        words[i] = storedCodes(type, eightCodes(first + (row + i) * stride + k, columns - k));
      }
      transpose(words);
      uint8_t* target = octets + (row >> 4) * 128 + (row & 15);
      for (int64_t j = 0; j < 8; j += 1) std::memcpy(target + j * 16, &words[j], 8);
    }
    octets += octetBytes;
  }
}

}  // namespace

const char* refuseShape(const WeightShape& shape) {
  if (shape.outFeatures < 1 || shape.inFeatures < 1 || shape.groupSize < 1) return "a size below 1";
  if (shape.outFeatures > largestFeatures || shape.inFeatures > largestFeatures) return "more than 2^40 features";
  if (shape.outFeatures > (int64_t{1} << 56) / shape.inFeatures) return "more than 2^56 weights";
  const bool integer = constantZero(shape.codes) == 8 || constantZero(shape.codes) == 128 ||
                       shape.codes == CodeType::u4 || shape.codes == CodeType::u8;
  if (shape.zeros != ZeroType::none && !integer) return "zero points of float codes";
  return nullptr;
}

size_t packedBytes(const WeightShape& shape) {
  return static_cast<size_t>(blockCount(shape.outFeatures) * PackedLayout(shape).blockBytes);
}

bool supportsAccuracy(const WeightShape& shape, Accuracy accuracy) {
  if (accuracy == Accuracy::exact) return true;
  if (isFloat8(shape.codes) || (accuracy == Accuracy::int8Per128 && !isFourBit(shape.codes))) return false;
  const bool exactSums = accuracy == Accuracy::int8PerToken && shape.groupSize >= shape.inFeatures;
  return !exactSums || shape.inFeatures <= largestExactSum;
}

PackResult packBlock(const PackedLinear& weight, int64_t block, const BlockSource& source) {
  const WeightShape& shape = weight.shape;
  const PackedLayout layout(shape);
  const int64_t left = shape.outFeatures - block * blockRows;
  const int64_t rows = left < blockRows ? left : blockRows;
  uint8_t* target = weight.data + block * layout.blockBytes;
  std::memset(target, 0, static_cast<size_t>(layout.blockBytes));

  uint8_t* p = target + layout.headerBytes;
  for (ChunkWalk c(layout); c.columns > 0; c.next()) {
    const uint8_t* codes = source.codes + c.first;
    if (isFloat8(shape.codes)) {
      packFloat8(shape.codes, codes, shape.inFeatures, rows, c.columns, p, layout.octetBytes);
    } else {
      for (int64_t row = 0; row < rows; row += 1) {
        packCodes(shape.codes, codes + row * shape.inFeatures, c.columns, p, layout.octetBytes, row);
      }
    }
    p += c.octets() * layout.octetBytes + (layout.wholeRow ? 0 : layout.tableBytes);
  }
  return packTables(weight, block, source.scales, source.zeros);
}

}  // namespace lowbit
