// The tables of a packed block, written once its codes are there.
#pragma once
#include "linear.h"

namespace lowbit {

// Scales, zero points and row sums of one block whose codes are packed: scales [32][groups], zeros likewise or null.
// Thread-safe for different blocks.
PackResult packTables(const PackedLinear&, int64_t block, const float* scales, const float* zeros);

}  // namespace lowbit
