// Which instruction sets there are: by CPUID bits and by what the operating system saves and reports, never by a processor's
// name.
#include "kernels.h"

#ifdef LOWBIT_X86
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif
#ifdef LOWBIT_ARM64
#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif
#endif

namespace lowbit {
namespace {

#ifdef LOWBIT_X86

struct Registers {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf, unsigned part) {
  Registers r;
  if (__get_cpuid_max(0, nullptr) >= leaf) __cpuid_count(leaf, part, r.a, r.b, r.c, r.d);
  return r;
}

constexpr bool has(unsigned bits, int bit) { return (bits >> bit & 1) != 0; }

// Register state that the operating system saves: bit 2 ymm, 5..7 zmm and masks, 17 and 18 tiles.
uint64_t savedState() {
  if (!has(cpuid(1, 0).c, 27)) return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

bool hasAvx2() {
  const unsigned basic = cpuid(1, 0).c;
  return (savedState() & 0x6) == 0x6 && has(basic, 12) /* FMA */ && has(basic, 29) /* F16C */ &&
         has(cpuid(7, 0).b, 5);
}

bool hasAvxVnni() { return hasAvx2() && has(cpuid(7, 1).a, 4); }

bool hasAvx512() {
  const Registers r = cpuid(7, 0);
  const bool foundation = has(r.b, 16) && has(r.b, 17) && has(r.b, 30) && has(r.b, 31);  // F, DQ, BW, VL
  return hasAvx2() && (savedState() & 0xe6) == 0xe6 && foundation && has(r.c, 1) /* VBMI */ && has(r.c, 11) /* VNNI */;
}

bool hasAmx() {
#if defined(__linux__) && defined(SYS_arch_prctl)
  const unsigned d = cpuid(7, 0).d;
  const bool tiles = has(d, 22) && has(d, 24) && has(d, 25);  // BF16, TILE, INT8
  if (!hasAvx512() || !tiles || !has(cpuid(7, 1).a, 5) || (savedState() & 0x60000) != 0x60000) return false;
  constexpr int requestPermission = 0x1023, tileData = 18;  // ARCH_REQ_XCOMP_PERM, for the whole process
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
#else
  return false;
#endif
}

#endif

#ifdef LOWBIT_ARM64

struct ArmFeatures {
  bool dotProducts, i8mm;
};

ArmFeatures armFeatures() {
#if defined(__linux__)
  constexpr unsigned long asimdDp = 1ul << 20 /* of AT_HWCAP */, i8mm = 1ul << 13 /* of AT_HWCAP2 */;
  return {(getauxval(AT_HWCAP) & asimdDp) != 0, (getauxval(AT_HWCAP2) & i8mm) != 0};
#elif defined(__APPLE__)
  // Every processor that runs macOS on arm64 has dot products.
  int present = 0;
  size_t size = sizeof present;
  return {true, sysctlbyname("hw.optional.arm.FEAT_I8MM", &present, &size, nullptr, 0) == 0 && present != 0};
#else
  return {false, false};
#endif
}

#endif

}  // namespace

bool isAvailable(InstructionSet set) {
#ifdef LOWBIT_ARM64
  const ArmFeatures features = armFeatures();
  if (set == InstructionSet::neon) return features.dotProducts;
  if (set == InstructionSet::neonI8mm) return features.dotProducts && features.i8mm;
#endif
#ifdef LOWBIT_X86
  switch (set) {
    case InstructionSet::avx2:
      return hasAvx2();
    case InstructionSet::avxVnni:
      return hasAvxVnni();
    case InstructionSet::avx512:
      return hasAvx512();
    case InstructionSet::amx:
      return hasAmx();
    default:
      break;
  }
#endif
  return set == InstructionSet::plain;
}

InstructionSet bestInstructionSet() {
  InstructionSet best = InstructionSet::plain;
  for (InstructionSet set : allInstructionSets) {
    if (isAvailable(set)) best = set;
  }
  return best;
}

const char* nameOf(InstructionSet set) {
  switch (set) {
    case InstructionSet::neon:
      return "neon";
    case InstructionSet::neonI8mm:
      return "neon-i8mm";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avxVnni:
      return "avx-vnni";
    case InstructionSet::avx512:
      return "avx512";
    case InstructionSet::amx:
      return "amx";
    default:
      return "plain";
  }
}

const LinearKernels& linearKernels(InstructionSet set) {
#ifdef LOWBIT_X86
  if (set == InstructionSet::avx2) return avx2Kernels();
  if (set == InstructionSet::avxVnni) return avxVnniKernels();
  if (set == InstructionSet::avx512) return avx512Kernels();
  if (set == InstructionSet::amx) return amxKernels();
#endif
#ifdef LOWBIT_ARM64
  if (set == InstructionSet::neon) return neonKernels();
  if (set == InstructionSet::neonI8mm) return neonI8mmKernels();
#endif
  (void)set;
  return plainKernels();
}

}  // namespace lowbit
