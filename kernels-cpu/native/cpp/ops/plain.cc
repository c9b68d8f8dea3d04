#include "loops.h"

namespace lowbit {

const OperationKernels& plainOperations() { return operations; }

}  // namespace lowbit
