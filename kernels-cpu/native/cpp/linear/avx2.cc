// The kernels for AVX2. Layouts: packed-layout.h, input-layout.h. Loops: loops/.
#include "simd-avx2.h"

#include "kernels.h"
#include "loops/forward.h"

namespace lowbit {

const LinearKernels& avx2Kernels() {
  static constexpr LinearKernels kernels = kernelsOf<Avx2<false>>();
  return kernels;
}

}  // namespace lowbit
