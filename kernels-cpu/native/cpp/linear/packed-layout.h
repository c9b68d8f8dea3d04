// The bytes of a packed weight: one layout for one token and many, for integers and floats, and for every instruction set.
//
// A block is 32 output rows and all columns. Columns come in chunks: the groups of the weight, or pieces of 128 columns of
// groups larger than 256. The scales of a chunk lie directly behind its codes, so that a thread reads one linear stream.
//
//   matrix = block 0 | block 1 | ...
//   block  = chunk 0 | chunk 1 | ...                         chunk = octets | scale[32] | zero[32]
//   block  = scale[32] | zero[32] | rowSum[32] f64 | octets  with one scale per row; rowSum = sum of (code - zero)
//   octet  = 8 columns of rows 0..15 | 8 columns of rows 16..31; a chunk is filled up to octets with code 0, x = 0
//
//   4 bits: 64 B per 16 rows, lane = row              8 bits integer: 128 B, lane = row     8 bits float: 128 B
//     dword  k1|k0 k3|k2 k5|k4 k7|k6  (byte 0..3)       dword A  k0 k2 k4 k6                  k0 of 16 rows, k1 of 16 rows, ..
//     v & 0x0f0f0f0f        = k0 k2 k4 k6               dword B  k1 k3 k5 k7
//     (v >> 4) & 0x0f0f0f0f = k1 k3 k5 k7
//
// Integers are stored above their least code: i4 plus 8, i8 plus 128.
#pragma once
#include "linear.h"

// In an unnamed namespace, as everything that translation units of several instruction sets include: one copy each, or the
// linker could give the plain code a function compiled for AVX-512.
namespace lowbit {
namespace {

constexpr int64_t largestChunk = 256;
constexpr int64_t splitChunk = 128;

inline constexpr int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// How columns are cut into chunks; shared by weights and inputs.
struct Chunking {
  int64_t inFeatures, groupSize, chunk;
  bool wholeRow;  // one group

  Chunking(int64_t inFeatures, int64_t groupSize)
      : inFeatures(inFeatures),
        groupSize(groupSize < inFeatures ? groupSize : inFeatures),
        chunk(this->groupSize <= largestChunk ? this->groupSize : splitChunk),
        wholeRow(groupSize >= inFeatures) {}

  // Chunks of 32 or 64 columns that make up 128; 1 for other sizes, and where the last chunk is shorter.
  int64_t chunksIn128() const {
    return (groupSize == 32 || groupSize == 64) && inFeatures % groupSize == 0 ? 128 / groupSize : 1;
  }
  int64_t groups() const { return ceilDivide(inFeatures, groupSize); }
  int64_t chunksIn(int64_t columns) const { return ceilDivide(columns, chunk); }
  int64_t chunks() const {
    return inFeatures / groupSize * chunksIn(groupSize) + chunksIn(inFeatures % groupSize);
  }
  int64_t octetsIn(int64_t columns) const {
    return columns / chunk * ceilDivide(chunk, 8) + ceilDivide(columns % chunk, 8);
  }
  int64_t octets() const {
    return inFeatures / groupSize * octetsIn(groupSize) + octetsIn(inFeatures % groupSize);
  }
};

// Walks the chunks in order: for (ChunkWalk c(chunking); c.columns > 0; c.next())
struct ChunkWalk {
  const Chunking& cut;
  int64_t index = 0, group = 0, first = 0, columns;

  explicit ChunkWalk(const Chunking& chunking) : cut(chunking), columns(chunking.chunk) { limit(); }
  int64_t octets() const { return (columns + 7) >> 3; }
  void next() {
    first += columns;
    index += 1;
    if (first == groupEnd()) group += 1;
    columns = cut.chunk;
    limit();
  }

 private:
  int64_t groupEnd() const {
    const int64_t end = (group + 1) * cut.groupSize;
    return end < cut.inFeatures ? end : cut.inFeatures;
  }
  void limit() {
    const int64_t left = groupEnd() - first;
    if (columns > left) columns = left;
  }
};

// Whether the next chunk has another activation scale.
inline bool endsScale(const ChunkWalk& c, int64_t scaleChunks) {
  return (c.index + 1) % scaleChunks == 0 || c.first + c.columns == c.cut.inFeatures;
}

inline constexpr bool isFloat8(CodeType type) {
  return type == CodeType::f6e2m3 || type == CodeType::f6e3m2 || type == CodeType::f8e4m3 ||
         type == CodeType::f8e4m3fnuz || type == CodeType::f8e5m2;
}
inline constexpr bool isFourBit(CodeType type) {
  return type == CodeType::u4 || type == CodeType::i4 || type == CodeType::f4e2m1;
}
inline constexpr int64_t scaleBytes(ScaleType type) { return type == ScaleType::f32 ? 4 : 2; }
inline constexpr int64_t zeroBytes(ZeroType type) {
  return type == ZeroType::none ? 0 : type == ZeroType::u8 ? 1 : 4;
}

struct PackedLayout : Chunking {
  int64_t octetBytes;   // of 32 rows
  int64_t tableBytes;   // scales and zeros of 32 rows
  int64_t headerBytes;  // in front of the octets of a block
  int64_t blockBytes;

  explicit PackedLayout(const WeightShape& shape)
      : Chunking(shape.inFeatures, shape.groupSize),
        octetBytes(isFourBit(shape.codes) ? 128 : 256),
        tableBytes(blockRows * (scaleBytes(shape.scales) + zeroBytes(shape.zeros))),
        headerBytes(wholeRow ? tableBytes + blockRows * 8 : 0),
        blockBytes(headerBytes + octets() * octetBytes + (wholeRow ? 0 : chunks() * tableBytes)) {}
};

// Two times the numbers of f4e2m1, plus 12, so that they are unsigned bytes.
constexpr uint8_t doubledE2m1[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

// What is subtracted from every stored code: sum((code - zero) x) = sum(code x) - zero sum(x).
inline constexpr int constantZero(CodeType type) {
  return type == CodeType::i4 ? 8 : type == CodeType::i8 ? 128 : type == CodeType::f4e2m1 ? 12 : 0;
}

// Scales count in units of what the kernels make of a code: halves for e2m1 as an integer; e4m3 bits are decoded as f16
// numbers of 2^-8 their size. Powers of two, so that nothing is rounded.
inline constexpr float integerUnit(CodeType type) { return type == CodeType::f4e2m1 ? 0.5f : 1.0f; }
inline constexpr float floatUnit(CodeType type) {
  return type == CodeType::f8e4m3 || type == CodeType::f6e2m3 || type == CodeType::f6e3m2 ? 256.0f
         : type == CodeType::f8e4m3fnuz                                                  ? 128.0f
                                                                                         : 1.0f;
}

}  // namespace
}  // namespace lowbit
