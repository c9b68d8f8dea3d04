// How fast memory is read: what products of one row with weights that no cache holds are held against.
#pragma once
#include "../thread-pool.h"

namespace lowbit {

// Bytes per second, the median of five passes of all threads over 256 MiB. Throws std::bad_alloc.
double readBandwidth(ThreadPool&);

}  // namespace lowbit
