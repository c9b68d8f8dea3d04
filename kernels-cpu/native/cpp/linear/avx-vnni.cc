// The kernels for AVX2 with AVX-VNNI. Layouts: packed-layout.h, input-layout.h. Loops: loops/.
#include "simd-avx2.h"

#include "kernels.h"
#include "loops/forward.h"

namespace lowbit {

const LinearKernels& avxVnniKernels() {
  static constexpr LinearKernels kernels = kernelsOf<Avx2<true>>();
  return kernels;
}

}  // namespace lowbit
