#include "kernels.h"

namespace lowbit {
const LinearKernels& amxKernels() { return plainKernels(); }
}  // namespace lowbit
