// Which instruction sets there are: by CPUID bits and by what the operating system saves, never by a processor's name.
#include "kernels.h"

#include <initializer_list>

#ifdef LOWBIT_X86
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
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

}  // namespace

bool isAvailable(InstructionSet set) {
#ifdef LOWBIT_X86
  switch (set) {
    case InstructionSet::plain:
      return true;
    case InstructionSet::avx2:
      return hasAvx2();
    case InstructionSet::avx512:
      return hasAvx512();
    case InstructionSet::amx:
      return hasAmx();
  }
#endif
  return set == InstructionSet::plain;
}

InstructionSet bestInstructionSet() {
  for (InstructionSet set : {InstructionSet::amx, InstructionSet::avx512, InstructionSet::avx2}) {
    if (isAvailable(set)) return set;
  }
  return InstructionSet::plain;
}

const char* nameOf(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx2:
      return "avx2";
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
  if (set == InstructionSet::avx512) return avx512Kernels();
  if (set == InstructionSet::amx) return amxKernels();
#endif
  (void)set;
  return plainKernels();
}

}  // namespace lowbit
