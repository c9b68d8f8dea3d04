// The kernels for NEON with dot products. Layouts: packed-layout.h, input-layout.h. Loops: loops/.
#include "simd-neon.h"

#include "kernels.h"
#include "loops/forward.h"

namespace lowbit {

const LinearKernels& neonKernels() {
  static constexpr LinearKernels kernels = kernelsOf<Neon<false>>();
  return kernels;
}

}  // namespace lowbit
