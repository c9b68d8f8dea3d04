#include "packed-linear-tables.h"

#include "loops/scalar.h"

namespace lowbit {
namespace {

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

// Which rows of a chunk hold a NaN that the kernels do not decode as one: 0x7f or 0xff, or 0x80.
class NaNCodes {
 public:
  explicit NaNCodes(CodeType type)
      : possible_(type == CodeType::f8e4m3 || type == CodeType::f8e4m3fnuz),
        mask_(type == CodeType::f8e4m3fnuz ? 255 : 127),
        nan_(type == CodeType::f8e4m3fnuz ? 128 : 127) {}

  void read(const uint8_t* octets, int64_t count) {
    if (!possible_) return;
    Rows found[2] = {};
    for (int64_t octet = 0; octet < count; octet += 1, octets += 256) {
      for (int64_t line = 0; line < 16; line += 1) {
        Rows codes;
        std::memcpy(&codes, octets + line * 16, 16);
        found[line / 8] |= (codes & mask_) == nan_;
      }
    }
    std::memcpy(found_, found, sizeof found_);
  }
  bool in(int64_t row) const { return found_[row] != 0; }

 private:
  using Rows = uint8_t __attribute__((vector_size(16)));
  bool possible_;
  uint8_t mask_, nan_;
  uint8_t found_[blockRows] = {};
};

// Of the integers that kernels multiply, of each row of a chunk; 0 for fp8 and fp6.
void sumsOfStored(CodeType type, const uint8_t* octets, int64_t columns, int32_t* sums) {
  const int64_t count = (columns + 7) / 8;
  // An octet is filled up with codes 0.
  const auto padding = static_cast<int32_t>(count * 8 - columns) * constantZero(type);
  std::memset(sums, 0, blockRows * sizeof *sums);
  if (isFloat8(type)) return;
  if (type == CodeType::f4e2m1) {
    for (int64_t octet = 0; octet < count; octet += 1, octets += 128) {
      for (int64_t i = 0; i < 128; i += 1) sums[i / 4] += doubledE2m1[octets[i] & 15] + doubledE2m1[octets[i] >> 4];
    }
    for (int64_t row = 0; row < blockRows; row += 1) sums[row] -= padding;
    return;
  }
  // Two sums in the halves of a word: at most 32 octets of 8 codes up to 255.
  uint32_t pairs[blockRows] = {};
  const auto add = [&](const uint8_t* line, int64_t first, bool fourBit) {
    for (int64_t row = 0; row < 16; row += 1) {
      uint32_t word;
      std::memcpy(&word, line + row * 4, 4);
      if (fourBit) word = (word & 0x0f0f0f0f) + (word >> 4 & 0x0f0f0f0f);
      pairs[first + row] += (word & 0x00ff00ff) + (word >> 8 & 0x00ff00ff);
    }
  };
  if (isFourBit(type)) {
    for (int64_t octet = 0; octet < count; octet += 1, octets += 128) {
      for (int64_t half = 0; half < 2; half += 1) add(octets + half * 64, half * 16, true);
    }
  } else {
    for (int64_t octet = 0; octet < count; octet += 1, octets += 256) {
      for (int64_t line = 0; line < 4; line += 1) add(octets + line * 64, line / 2 * 16, false);
    }
  }
  for (int64_t row = 0; row < blockRows; row += 1) {
    sums[row] = static_cast<int32_t>((pairs[row] & 0xffff) + (pairs[row] >> 16)) - padding;
  }
}

}  // namespace

PackResult packTables(const PackedLinear& weight, int64_t block, const float* scales, const float* zeros) {
  const WeightShape& shape = weight.shape;
  const PackedLayout layout(shape);
  const int64_t left = shape.outFeatures - block * blockRows;
  const int64_t rows = left < blockRows ? left : blockRows;
  const int64_t groups = layout.groups();
  const int64_t zeroTable = blockRows * scaleBytes(shape.scales);
  const float least = static_cast<float>(constantZero(shape.codes));
  uint8_t* target = weight.data + block * layout.blockBytes;
  std::memset(target, 0, static_cast<size_t>(layout.headerBytes));

  NaNCodes broken(shape.codes);
  int32_t sums[blockRows];
  uint8_t* p = target + layout.headerBytes;
  for (ChunkWalk c(layout); c.columns > 0; c.next()) {
    const int64_t bytes = c.octets() * layout.octetBytes;
    uint8_t* tables = layout.wholeRow ? target : p + bytes;
    if (!layout.wholeRow) std::memset(tables, 0, static_cast<size_t>(layout.tableBytes));
    broken.read(p, c.octets());
    if (layout.wholeRow) sumsOfStored(shape.codes, p, c.columns, sums);
    for (int64_t row = 0; row < rows; row += 1) {
      // A code that is NaN makes its group NaN, and so every output of the row, as it does in arithmetic.
      const float scale = broken.in(row) ? floatOf(0x7fc00000) : scales[row * groups + c.group];
      const float stored = scaleAt(shape.scales, tables, row);
      const bool brokenBefore = layout.wholeRow && c.index > 0 && stored != stored;
      if (!brokenBefore && !storeScale(shape.scales, tables, row, scale)) return PackResult::scaleNotHeld;

      float zero = least;
      if (shape.zeros != ZeroType::none) {
        zero = zeros[row * groups + c.group] + least;
        if (!storeZero(shape.zeros, tables + zeroTable, row, zero)) return PackResult::zeroNotHeld;
      }
      if (layout.wholeRow) {
        double total;
        uint8_t* place = target + layout.tableBytes + row * 8;
        std::memcpy(&total, place, 8);
        total += sums[row] - static_cast<double>(c.columns) * zero;
        std::memcpy(place, &total, 8);
      }
    }
    p += bytes + (layout.wholeRow ? 0 : layout.tableBytes);
  }
  return PackResult::packed;
}

}  // namespace lowbit
