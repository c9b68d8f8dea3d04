// The inner loops of everything that is no linear, one set of functions per instruction set. All but `attend` give the same
// bits: lanes are added in a fixed order, and nothing is contracted. `attend` has fused multiply-adds where the processor does.
#pragma once
#include <cstdint>

namespace lowbit {

// Elements of a KV cache.
enum class CacheType { f32, f16, bf16, f8e4m3, f8e5m2, i8 };

// One kind of elements (keys, or values) of all heads: element = x / scale + zero. Slots lie in groups, so that a head reads
// one stretch of memory; of keys a feature of all slots of a group lies together, so that slots are the lanes of a vector.
//
//   keys    [slots / group][kvHeads][headSize][group]
//   values  [slots / group][kvHeads][group][headSize]
struct CacheElements {
  const uint8_t* data;
  const float* scales;   // [kvHeads * headSize], or null: 1
  const float* zeros;    // [kvHeads * headSize], or null: 0
  const float* decoded;  // number of each code of the 8-bit types, [256]
  CacheType type;
  int64_t elementBytes;
  int64_t kvHeads, headSize;
  int64_t group;         // a power of two up to 16 that divides the tokens of a block

  // Which element begins the group of a slot.
  int64_t groupStart(int64_t slot, int64_t kvHead) const { return (slot / group * kvHeads + kvHead) * headSize * group; }
};

// Rows of one sequence through the query heads of one key/value head.
struct AttentionTile {
  const float* query;    // first row, first of the heads
  int64_t queryStride;   // from row to row
  float* output;
  int64_t outputStride;
  int64_t rows, heads, kvHead;
  int64_t firstPosition;  // of the first row
  int64_t slidingWindow;  // 0: none
  float scale;
  CacheElements keys, values;
  const int32_t* blocks;
  int64_t blockSize;
  float* scratch;  // attentionScratch(tile) numbers
};

struct OperationKernels {
  void (*rmsNorm)(const float* x, int64_t size, const float* weight, const float* bias, double epsilon, float* out);
  void (*siluMul)(const float* gate, const float* up, int64_t count, float* out);
  void (*add)(const float* left, const float* right, int64_t count, float* out);
  void (*attend)(const AttentionTile&);         // sums in f32
  void (*attendPrecisely)(const AttentionTile&);  // sums in f64
};

// Positions whose keys, or values, are decoded at once.
constexpr int64_t positionsAtOnce = 16;

inline int64_t attentionScratch(int64_t rows, int64_t heads, int64_t positions, int64_t headSize, int64_t valueHeadSize) {
  const int64_t size = headSize > valueHeadSize ? headSize : valueHeadSize;
  return rows * heads * (positions + 16) + 2 * positionsAtOnce * (size + 16) + 64;
}

const OperationKernels& plainOperations();
#if defined(__x86_64__)
const OperationKernels& avx2Operations();
const OperationKernels& avx512Operations();
#endif

}  // namespace lowbit
