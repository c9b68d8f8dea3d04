// The kernels for AVX-512 with VNNI. Layouts: packed-layout.h, input-layout.h. Loops: loops/.
#include "simd-avx512.h"

#include "kernels.h"
#include "loops/forward.h"

namespace lowbit {

const LinearKernels& avx512Kernels() {
  static constexpr LinearKernels kernels = kernelsOf<Avx512>();
  return kernels;
}

}  // namespace lowbit
