// The interface's functions, each for the instruction set that it is given.
#include "linear.h"

#include "input-layout.h"
#include "kernels.h"

namespace lowbit {
namespace {

InputLayout layoutOf(const LinearKernels& kernels, const InputFormat& format, int64_t rows) {
  return InputLayout(format, kernels.tileRows(format.accuracy, rows));
}

}  // namespace

size_t inputBytes(const LinearKernels& kernels, const InputFormat& format, int64_t rows) {
  const InputLayout layout = layoutOf(kernels, format, rows);
  return static_cast<size_t>(layout.tiles(rows) * layout.tileBytes());
}

int64_t inputTiles(const LinearKernels& kernels, const InputFormat& format, int64_t rows) {
  return layoutOf(kernels, format, rows).tiles(rows);
}

int64_t inputGroups(const InputFormat& format) { return Chunking(format.inFeatures, format.groupSize).chunks(); }

void prepareInput(const LinearKernels& kernels, const PreparedInput& input, const float* x, int64_t stride,
                  int64_t firstTile, int64_t lastTile) {
  kernels.prepareInput(input, x, stride, firstTile, lastTile);
}

void prepareCodes(const LinearKernels& kernels, const PreparedInput& input, const CodedInput& codes, int64_t firstTile,
                  int64_t lastTile) {
  kernels.prepareCodes(input, codes, firstTile, lastTile);
}

void forward(const LinearKernels& kernels, const PackedLinear& weight, const PreparedInput& input,
             const LinearOutput& out, int64_t firstBlock, int64_t lastBlock) {
  kernels.forward(weight, input, out, firstBlock, lastBlock);
}

void forwardDense(const LinearKernels& kernels, const DenseLinear& weight, const float* x, int64_t xStride,
                  int64_t rows, const LinearOutput& out, int64_t firstBlock, int64_t lastBlock) {
  kernels.forwardDense(weight, x, xStride, rows, out, firstBlock, lastBlock);
}

}  // namespace lowbit
