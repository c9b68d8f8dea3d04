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

// Eight stored codes, one a byte, k0 the lowest, into the place of their row in an octet.
void storeOctet(CodeType type, uint64_t codes, uint8_t* octet, int64_t row) {
  const int64_t half = row >> 4, lane = row & 15;
  if (isFourBit(type)) {
    const uint32_t dword = evenBytes(codes | codes >> 4);
    std::memcpy(octet + half * 64 + lane * 4, &dword, 4);
  } else if (isFloat8(type)) {
    for (int k = 0; k < 8; k += 1) octet[half * 128 + k * 16 + lane] = static_cast<uint8_t>(codes >> (8 * k));
  } else {
    const uint32_t even = evenBytes(codes), odd = evenBytes(codes >> 8);
    std::memcpy(octet + half * 128 + lane * 4, &even, 4);
    std::memcpy(octet + half * 128 + 64 + lane * 4, &odd, 4);
  }
}

void packCodes(CodeType type, const uint8_t* codes, int64_t columns, uint8_t* octets, int64_t octetBytes, int64_t row) {
  for (int64_t k = 0; k < columns; k += 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, codes + k, static_cast<size_t>(columns - k < 8 ? columns - k : 8));
    storeOctet(type, storedCodes(type, eight), octets + (k >> 3) * octetBytes, row);
  }
}

bool hasNaN(CodeType type, const uint8_t* codes, int64_t columns) {
  bool found = false;
  if (type == CodeType::f8e4m3) {
    for (int64_t k = 0; k < columns; k += 1) found |= (codes[k] & 127) == 127;
  } else if (type == CodeType::f8e4m3fnuz) {
    for (int64_t k = 0; k < columns; k += 1) found |= codes[k] == 128;
  }
  return found;
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
    for (int64_t row = 0; row < rows; row += 1) {
      const uint8_t* codes = source.codes + row * shape.inFeatures + c.first;
      packCodes(shape.codes, codes, c.columns, p, layout.octetBytes, row);

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
