#include "loops.h"

namespace lowbit {

const OperationKernels& avx512Operations() { return operations; }

}  // namespace lowbit
