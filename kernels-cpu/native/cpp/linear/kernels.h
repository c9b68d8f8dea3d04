// The functions of one instruction set.
#pragma once
#include "linear.h"

namespace lowbit {

struct LinearKernels {
  // Rows of a tile of a prepared input of so many rows.
  int64_t (*tileRows)(Accuracy, int64_t rows);
  void (*prepareInput)(const PreparedInput&, const float* x, int64_t stride, int64_t firstTile, int64_t lastTile);
  void (*prepareCodes)(const PreparedInput&, const CodedInput&, int64_t firstTile, int64_t lastTile);
  void (*forward)(const PackedLinear&, const PreparedInput&, const LinearOutput&, int64_t firstBlock,
                  int64_t lastBlock);
  void (*forwardDense)(const DenseLinear&, const float* x, int64_t xStride, int64_t rows, const LinearOutput&,
                       int64_t firstBlock, int64_t lastBlock);
};

const LinearKernels& plainKernels();
#ifdef LOWBIT_X86
const LinearKernels& avx2Kernels();
const LinearKernels& avxVnniKernels();
const LinearKernels& avx512Kernels();
const LinearKernels& amxKernels();
#endif
#ifdef LOWBIT_ARM64
const LinearKernels& neonKernels();
const LinearKernels& neonI8mmKernels();
#endif

}  // namespace lowbit
