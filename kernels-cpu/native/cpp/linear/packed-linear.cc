// Packing of blocks, in portable C++: the layout is the same for every instruction set.
#include "packed-linear-codes.h"
#include "loops/scalar.h"

namespace lowbit {
namespace {

constexpr int64_t largestFeatures = int64_t{1} << 40;

// Round half to even; NaN stays NaN.
uint16_t toBf16(float value) {
  const uint32_t bits = bitsOf(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// The f16 of a number that is one; for others some f16, which differs from it.
uint16_t toF16(float value) {
  const uint32_t bits = bitsOf(value);
  const uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return static_cast<uint16_t>(sign | ((magnitude - 0x38000000) >> 13));
  return static_cast<uint16_t>(sign | static_cast<uint16_t>(floatOf(magnitude) * 16777216.0f));
}

bool same(float a, float b) { return a == b || (a != a && b != b); }

bool storeScale(ScaleType type, uint8_t* table, int64_t row, float value) {
  if (type == ScaleType::f32) {
    std::memcpy(table + row * 4, &value, 4);
    return true;
  }
  const uint16_t half = type == ScaleType::f16 ? toF16(value) : toBf16(value);
  std::memcpy(table + row * 2, &half, 2);
  return same(scaleAt(type, table, row), value);
}

bool storeZero(ZeroType type, uint8_t* table, int64_t row, float value) {
  if (type == ZeroType::f32) {
    std::memcpy(table + row * 4, &value, 4);
    return true;
  }
  if (!(value >= 0 && value <= 255)) return false;
  table[row] = static_cast<uint8_t>(value);
  return static_cast<float>(table[row]) == value;
}

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

bool hasNaN(CodeType type, const uint8_t* codes, int64_t columns) {
  if (type != CodeType::f8e4m3 && type != CodeType::f8e4m3fnuz) return false;
  const bool fnuz = type == CodeType::f8e4m3fnuz;
  // NaN is the largest of what is compared: 0x7f without its sign, or 0x80 with its bits turned over.
  const uint8_t turn = fnuz ? 127 : 0, mask = fnuz ? 255 : 127, nan = fnuz ? 255 : 127;
  uint8_t largest = 0;
  for (int64_t k = 0; k < columns; k += 1) {
    const uint8_t code = static_cast<uint8_t>((codes[k] ^ turn) & mask);
    largest = code > largest ? code : largest;
  }
  return largest == nan;
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
  if (isFloat8(shape.codes)) return false;
  const bool exactSums = accuracy == Accuracy::int8PerToken && shape.groupSize >= shape.inFeatures;
  return !exactSums || shape.inFeatures <= largestExactSum;
}

PackResult packBlock(const PackedLinear& weight, int64_t block, const BlockSource& source) {
  const WeightShape& shape = weight.shape;
  const PackedLayout layout(shape);
  const int64_t left = shape.outFeatures - block * blockRows;
  const int64_t rows = left < blockRows ? left : blockRows;
  const int64_t groups = layout.groups();
  uint8_t* target = weight.data + block * layout.blockBytes;
  std::memset(target, 0, static_cast<size_t>(layout.blockBytes));

  const int64_t zeroTable = blockRows * scaleBytes(shape.scales);
  const float least = static_cast<float>(constantZero(shape.codes));

  uint8_t* p = target + layout.headerBytes;
  for (ChunkWalk c(layout); c.columns > 0; c.next()) {
    const int64_t bytes = c.octets() * layout.octetBytes;
    uint8_t* tables = layout.wholeRow ? target : p + bytes;
    if (isFloat8(shape.codes)) {
      packFloat8(shape.codes, source.codes + c.first, shape.inFeatures, rows, c.columns, p, layout.octetBytes);
    }
    for (int64_t row = 0; row < rows; row += 1) {
      const uint8_t* codes = source.codes + row * shape.inFeatures + c.first;
      if (!isFloat8(shape.codes)) packCodes(shape.codes, codes, c.columns, p, layout.octetBytes, row);

      // A code that is NaN makes its group NaN, and so every output of the row, as it does in arithmetic.
      const bool broken = hasNaN(shape.codes, codes, c.columns);
      const float scale = broken ? floatOf(0x7fc00000) : source.scales[row * groups + c.group];
      const float stored = scaleAt(shape.scales, tables, row);
      const bool brokenBefore = layout.wholeRow && c.index > 0 && stored != stored;
      if (!brokenBefore && !storeScale(shape.scales, tables, row, scale)) return PackResult::scaleNotHeld;

      float zero = least;
      if (shape.zeros != ZeroType::none) {
        zero = source.zeros[row * groups + c.group] + least;
        if (!storeZero(shape.zeros, tables + zeroTable, row, zero)) return PackResult::zeroNotHeld;
      }
      if (layout.wholeRow) {
        double total;
        uint8_t* place = target + layout.tableBytes + row * 8;
        std::memcpy(&total, place, 8);
        total += sumOfStored(shape.codes, codes, c.columns) - static_cast<double>(c.columns) * zero;
        std::memcpy(place, &total, 8);
      }
    }
    p += bytes + (layout.wholeRow ? 0 : layout.tableBytes);
  }
  return PackResult::packed;
}

}  // namespace lowbit
