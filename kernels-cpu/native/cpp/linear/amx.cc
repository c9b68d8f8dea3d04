// The kernels for AMX: 8-bit activations of 16 rows and more in tile registers, everything else as with AVX-512.
// Layouts: packed-layout.h, input-layout.h. Loop: loops/matrix-tile-loop.h.
//
// Each thread configures its tiles at the beginning of a forward and releases them at its end. The process needs the
// kernel's permission, which isAvailable(InstructionSet::amx) asks for.
#include <immintrin.h>

#include "kernels.h"
#include "loops/matrix-tile-loop.h"
#include "simd-avx512.h"

namespace lowbit {
namespace {

// Registers: 0 and 1 sums of both halves, 2 left, 3 and 4 right.
struct TileRegisters {
  // The palette as LDTILECFG reads it: rows, and bytes of a row, of each register.
  struct alignas(64) Configuration {
    uint8_t palette = 1, startRow = 0, reserved[14] = {};
    uint16_t rowBytes[16] = {64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16};
  };

  static void begin() { configure(16); }
  static void end() { _tile_release(); }

  // dots[half] = (fresh ? 0 : dots[half]) + left x right over all pieces.
  static void multiply(int32_t (&dots)[2][16][16], const uint8_t* left, int64_t rows, const RightTiles& right,
                       int64_t pieces, bool fresh) {
    if (rows < 16) configure(static_cast<uint8_t>(rows));
    writtenToMemory();
    if (fresh) {
      _tile_zero(0);
      _tile_zero(1);
    } else {
      _tile_loadd(0, dots[0], 64);
      _tile_loadd(1, dots[1], 64);
    }
    for (int64_t piece = 0; piece < pieces; piece += 1) {
      _tile_loadd(2, left + piece * rows * 64, 64);
      _tile_loadd(3, right[piece][0], 64);
      _tile_dpbsud(0, 2, 3);
      _tile_loadd(4, right[piece][1], 64);
      _tile_dpbsud(1, 2, 4);
    }
    _tile_stored(0, dots[0], 64);
    _tile_stored(1, dots[1], 64);
    if (rows < 16) configure(16);
  }

 private:
  static void configure(uint8_t rows) {
    Configuration configuration;
    __asm__ volatile("" : : "r"(&configuration) : "memory");
    for (int i = 0; i < 3; i += 1) configuration.rows[i] = rows;
    writtenToMemory();
    _tile_loadconfig(&configuration);
  }
  // gcc's tile intrinsics do not tell the compiler which memory they read.
  static void writtenToMemory() { __asm__ volatile("" ::: "memory"); }
};

struct AmxRows {
  static int64_t of(Accuracy accuracy, int64_t rows) {
    return usesMatrixTiles(accuracy, rows) ? matrixTileRows : avx512Kernels().tileRows(accuracy, rows);
  }
};

void forwardAmx(const PackedLinear& weight, const PreparedInput& input, const LinearOutput& out, int64_t firstBlock,
                int64_t lastBlock) {
  if (!usesMatrixTiles(input.format.accuracy, input.rows)) {
    return avx512Kernels().forward(weight, input, out, firstBlock, lastBlock);
  }
  forwardMatrixTiles<Avx512, TileRegisters>(weight, input, out, firstBlock, lastBlock);
}

void forwardDenseAmx(const DenseLinear& weight, const float* x, int64_t xStride, int64_t rows, const LinearOutput& out,
                     int64_t firstBlock, int64_t lastBlock) {
  avx512Kernels().forwardDense(weight, x, xStride, rows, out, firstBlock, lastBlock);
}

}  // namespace

const LinearKernels& amxKernels() {
  static constexpr LinearKernels kernels = {AmxRows::of, prepareInputRows<AmxRows>, prepareCodeRows<AmxRows>, forwardAmx,
                                            forwardDenseAmx};
  return kernels;
}

}  // namespace lowbit
