#include "loops.h"

namespace lowbit {

const OperationKernels& avx2Operations() { return operations; }

}  // namespace lowbit
