import type { Device } from '@lowbit/core';

export interface NativeDevice extends Device {
  readonly threads: number;
  /** The widest that the processor has: `plain`, `avx2`, `avx512`, `amx`. */
  readonly instructionSet: string;
}
