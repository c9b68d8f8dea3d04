// The kernels for NEON with dot products of unsigned and signed bytes (I8MM). Layouts: packed-layout.h, input-layout.h.
// Loops: loops/.
#include "simd-neon.h"

#include "kernels.h"
#include "loops/forward.h"

namespace lowbit {

const LinearKernels& neonI8mmKernels() {
  static constexpr LinearKernels kernels = kernelsOf<Neon<true>>();
  return kernels;
}

}  // namespace lowbit
