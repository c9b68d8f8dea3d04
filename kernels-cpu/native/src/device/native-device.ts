import type { Device } from '@lowbit/core';

export interface NativeDevice extends Device {
  readonly threads: number;
  /** The one chosen, or the fastest that the processor has: `plain`, `neon`, `neon-i8mm`, `avx2`, `avx-vnni`, `avx512`, `amx`. */
  readonly instructionSet: string;
}
