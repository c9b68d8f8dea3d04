// The loop around AMX with the tile product in plain C++: layouts, unpacking and scaling, on machines without AMX. The same
// bits as AVX-512.
#if defined(__AVX512VNNI__)
#include "../loops/matrix-tile-loop.h"
#include "../simd-avx512.h"
#endif
#include "checks.h"

namespace checks {

#if defined(__AVX512VNNI__)
namespace {

struct EmulatedTiles {
  static void begin() {}
  static void end() {}
  // As TDPBSUD: signed left, unsigned right, four products to a sum.
  static void multiply(int32_t (&dots)[2][16][16], const uint8_t* left, int64_t rows, const RightTiles& right,
                       int64_t pieces, bool fresh) {
    for (int half = 0; half < 2; half += 1) {
      for (int64_t t = 0; t < rows; t += 1) {
        for (int64_t o = 0; o < 16; o += 1) {
          int32_t sum = fresh ? 0 : dots[half][t][o];
          for (int64_t piece = 0; piece < pieces; piece += 1) {
            for (int64_t k = 0; k < 64; k += 1) {
              const int8_t x = static_cast<int8_t>(left[(piece * rows + t) * 64 + k]);
              sum += x * right[piece][half][(k >> 2) * 64 + o * 4 + (k & 3)];
            }
          }
          dots[half][t][o] = sum;
        }
      }
    }
  }
};

struct SixteenRows {
  static int64_t of(Accuracy, int64_t) { return matrixTileRows; }
};

std::vector<float> runEmulated(const PackedLinear& weight, Accuracy accuracy, const float* x, int64_t rows, const float* bias) {
  const WeightShape& s = weight.shape;
  const InputFormat format = {s.inFeatures, s.groupSize, accuracy};
  const InputLayout layout(format, matrixTileRows);
  const auto memory = aligned(layout.tiles(rows) * layout.tileBytes());
  const PreparedInput input = {format, rows, memory.get()};
  prepareInputRows<SixteenRows>(input, x, s.inFeatures, 0, layout.tiles(rows));
  std::vector<float> y(rows * s.outFeatures);
  forwardMatrixTiles<Avx512, EmulatedTiles>(weight, input, {y.data(), s.outFeatures, bias}, 0, blockCount(s.outFeatures));
  return y;
}

}  // namespace

void matrixTiles(std::mt19937& random, Report& report) {
  for (CodeType code : {CodeType::u4, CodeType::i4, CodeType::u8, CodeType::i8, CodeType::f4e2m1}) {
    for (int64_t group : {7, 16, 32, 100, 128, 256, 300, 1000}) {
      const ZeroType zeros = code == CodeType::f4e2m1 ? ZeroType::none : static_cast<ZeroType>(random() % 3);
      Layer layer = randomLayer({1 + static_cast<int64_t>(random() % 70), 700, group, code, ScaleType::bf16, zeros}, random);
      report.check(pack(layer) == PackResult::packed, "packs");
      for (Accuracy accuracy : {Accuracy::int8PerGroup, Accuracy::int8Per128, Accuracy::int8PerToken}) {
        if (!supportsAccuracy(layer.shape, accuracy)) continue;
        const int64_t rows = 16 + static_cast<int64_t>(random() % 90);
        const std::vector<float> x = gaussian(rows * 700, random), bias = gaussian(layer.shape.outFeatures, random);
        const std::vector<float> expected = run(InstructionSet::avx512, layer.packed, accuracy, x.data(), rows, bias.data());
        const std::vector<float> y = runEmulated(layer.packed, accuracy, x.data(), rows, bias.data());
        report.layers += 1;
        report.check(sameBits(expected.data(), y.data(), y.size()), describe(InstructionSet::amx, layer.shape, accuracy, rows) + ": emulated");
      }
    }
  }
}
#else
void matrixTiles(std::mt19937&, Report&) {}
#endif

}  // namespace checks
