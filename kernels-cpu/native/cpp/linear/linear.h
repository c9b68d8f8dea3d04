// Linear layers over packed weights: the interface. README.md tells how the pieces fit; packed-layout.h shows the bytes.
//
// y[row][o] = sum over i of x[row][i] * w[o][i] (+ bias[o]), w[o][i] = (code - zero) * (scale * scaleFactor)
//
// Nothing here allocates, locks, throws or keeps state: memory, threads and checks of untrusted numbers are the
// caller's. Every function may run on many threads at once as long as they write different blocks or tiles.
//
// Sums are scaled last: activations beyond 1e33 can overflow to infinity where their outputs would not.
//
// A row of y has the same bits alone, in any batch, and for any split of its blocks among threads.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lowbit {

// ---- Instruction sets ------------------------------------------------------------------------------------------

// plain: portable C++. neon: with dot products (Armv8.2). neonI8mm: with I8MM also.
// avx2: with FMA and F16C. avxVnni: with AVX-VNNI also. avx512: F, BW, DQ, VL, VNNI and VBMI (Ice Lake, Zen 4 and later).
// amx: avx512 with BF16, AMX-TILE, AMX-INT8 and AMX-BF16, and the kernel's permission to use tiles.
enum class InstructionSet { plain, neon, neonI8mm, avx2, avxVnni, avx512, amx };
// Of those that one processor has, later ones are faster.
constexpr InstructionSet allInstructionSets[] = {InstructionSet::plain,   InstructionSet::neon,   InstructionSet::neonI8mm,
                                                 InstructionSet::avx2,    InstructionSet::avxVnni, InstructionSet::avx512,
                                                 InstructionSet::amx};

// Whether it is compiled in and this processor and operating system offer it.
bool isAvailable(InstructionSet);
// The last one that is available.
InstructionSet bestInstructionSet();
const char* nameOf(InstructionSet);

struct LinearKernels;  // the functions of one instruction set
// Precondition: isAvailable(set). The object lives as long as the process.
const LinearKernels& linearKernels(InstructionSet set);

// ---- Packed weights --------------------------------------------------------------------------------------------

// What a stored code is. Integers narrower than 4 or 8 bits are stored as the next wider one. The fp6 types and
// f8e4m3fnuz are stored as f8e4m3 bits. (f8e5m2fnuz is not here: all of its numbers are f16 numbers, see DenseLinear.)
enum class CodeType { u4, i4, u8, i8, f4e2m1, f6e2m3, f6e3m2, f8e4m3, f8e4m3fnuz, f8e5m2 };
enum class ScaleType { f32, f16, bf16 };
// How zero points are stored. u8: whole numbers 0..255, above 0 (codes u4, u8) or above the least code (i4, i8).
enum class ZeroType { none, u8, f32 };

struct WeightShape {
  int64_t outFeatures;
  int64_t inFeatures;
  int64_t groupSize;  // columns per scale; the last group may be shorter. >= inFeatures: one scale per row
  CodeType codes;
  ScaleType scales = ScaleType::f32;
  ZeroType zeros = ZeroType::none;  // integers only
  float scaleFactor = 1;            // multiplies every scale, rounded to f32
};

constexpr int64_t blockRows = 32;
constexpr int64_t blockCount(int64_t outFeatures) { return (outFeatures + blockRows - 1) / blockRows; }

// One block of 32 output rows as decoded from a file. Row r of the last block is only read while
// 32 * block + r < outFeatures. groups = ceil(inFeatures / groupSize).
struct BlockSource {
  const uint8_t* codes;  // [32][inFeatures], one code a byte: the bits of a float, the number of an integer (i4, i8: two's complement)
  const float* scales;   // [32][groups]
  const float* zeros;    // [32][groups]; null with ZeroType::none
};

// Memory is the caller's: packedBytes(shape) bytes, aligned to 64. Copies share it.
struct PackedLinear {
  WeightShape shape;
  uint8_t* data;
};

// Why a shape cannot be packed; null where it can.
const char* refuseShape(const WeightShape&);
size_t packedBytes(const WeightShape&);

// notHeld: a scale or a zero is not a number of shape.scales or shape.zeros; pack again with f32.
enum class PackResult { packed, scaleNotHeld, zeroNotHeld };
// Packs one block of a shape that is not refused. Thread-safe for different blocks.
PackResult packBlock(const PackedLinear&, int64_t block, const BlockSource&);

// ---- Inputs ----------------------------------------------------------------------------------------------------

// What forward does with activations.
// exact: nothing. f32 products and sums of dequantized weights.
// int16Planes: rounds them to 16 bits (+-32512) per group and row; relative error about 3e-5 of the output.
// int8PerGroup: rounds them to 8 bits (+-127) per group and row; about 6e-3.
// int8Per128: the same per 128 columns where whole groups of 32 or 64 make these up, which costs less time; else int8PerGroup. Codes
// of 4 bits only.
// int8PerToken: rounds them to 8 bits per row. With one weight scale per row the sums are exact integers.
// Groups are those of the weight, or 128 columns where they are larger than 256.
enum class Accuracy { exact, int16Planes, int8PerGroup, int8Per128, int8PerToken };

// fp6 and fp8 codes support exact alone. int8PerToken with one weight scale per row goes up to 65,535 columns.
bool supportsAccuracy(const WeightShape&, Accuracy);

// Weights with the same numbers here share a prepared input.
struct InputFormat {
  int64_t inFeatures;
  int64_t groupSize;
  Accuracy accuracy;
};

// Activation rows of one linear input, made ready once. Tiles are groups of rows that threads can share out.
struct PreparedInput {
  InputFormat format;
  int64_t rows;
  uint8_t* data;  // the caller's: inputBytes() bytes, aligned to 64
};

size_t inputBytes(const LinearKernels&, const InputFormat&, int64_t rows);
int64_t inputTiles(const LinearKernels&, const InputFormat&, int64_t rows);
// How many chunks a row has in a format (packed-layout.h): as many activation scales as int8PerGroup has.
int64_t inputGroups(const InputFormat&);

// Converts the rows of tiles [firstTile, lastTile) of x, [rows][stride] f32. A row that holds NaN or infinity gives NaN
// in all of its outputs, in every accuracy.
void prepareInput(const LinearKernels&, const PreparedInput&, const float* x, int64_t stride, int64_t firstTile,
                  int64_t lastTile);

// Activations that the caller has quantized: value = (code - zero) * scale.
struct CodedInput {
  const int16_t* codes;  // [rows][inFeatures]; -128..127 with int8PerGroup and int8PerToken, and code - zero within +-32512 with int16Planes
  const float* scales;   // [rows][inputGroups] with int8PerGroup, else [rows]
  const int32_t* zeros;  // [rows], or null. With int8PerGroup null; with int8PerToken only for weights of one scale per row
};
// The same for codes. Accuracy other than exact and int8Per128.
void prepareCodes(const LinearKernels&, const PreparedInput&, const CodedInput&, int64_t firstTile, int64_t lastTile);

// ---- Outputs ---------------------------------------------------------------------------------------------------

struct LinearOutput {
  float* values;                 // [rows][stride]
  int64_t stride;
  const float* bias = nullptr;   // [outFeatures], added last
  // [outFeatures], added to the integer sums before they are scaled. Only int8PerToken with one weight scale per row,
  // where y = float((sum + accumulatorBias) * activationScale * scale + bias), computed in f64.
  const double* accumulatorBias = nullptr;
};

// Computes output rows of blocks [firstBlock, lastBlock) for all rows of the input, whose format has the weight's
// inFeatures and groupSize. No allocation.
void forward(const LinearKernels&, const PackedLinear&, const PreparedInput&, const LinearOutput&, int64_t firstBlock,
             int64_t lastBlock);

// ---- Dense weights ---------------------------------------------------------------------------------------------

enum class DenseType { f32, f16, bf16 };

// Weights as they lie in a file, row-major [outFeatures][inFeatures], any alignment of at least their own size.
struct DenseLinear {
  int64_t outFeatures;
  int64_t inFeatures;
  DenseType type;
  const void* data;
};

// y = x W^T in f32, x [rows][xStride]. NaN and infinity as IEEE has them. accumulatorBias is not used.
void forwardDense(const LinearKernels&, const DenseLinear&, const float* x, int64_t xStride, int64_t rows,
                  const LinearOutput&, int64_t firstBlock, int64_t lastBlock);

}  // namespace lowbit
