#include "kernels.h"

namespace lowbit {
const LinearKernels& amxKernels() { return avx512Kernels(); }
}  // namespace lowbit
