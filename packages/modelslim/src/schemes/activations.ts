import type { ActivationQuantization } from '@lowbit/core';

const perToken = { granularity: { kind: 'token' }, rounding: 'half-even' } as const;
const symmetric = { kind: 'dynamic', symmetric: true } as const;
const blocks = { granularity: { kind: 'group', size: 32 }, rounding: 'half-away' } as const;

/** Dynamic activations, by what the types call `A8`, `A4`, `AFP8`, `MXFP8`, `MXFP4`. */
export const dynamicActivations = {
  int8: { type: 'i8', ...perToken, scale: { ...symmetric, divisor: 127 } },
  int4: { type: 'i4', ...perToken, scale: { ...symmetric, divisor: 7 } },
  fp8: { type: 'f8e4m3', ...perToken, scale: { ...symmetric, divisor: 448 } },
  /** 2^(floor(log2 of the largest) - 8) */
  mxfp8: { type: 'f8e4m3', ...blocks, scale: { ...symmetric, divisor: 1024 / 3, scaleType: 'e8m0' } },
  /** 2^(floor(log2 of 8/7 of the largest) - 2) */
  mxfp4: { type: 'f4e2m1', ...blocks, scale: { ...symmetric, divisor: 14 / 3, scaleType: 'e8m0' } },
} as const satisfies Readonly<Record<string, ActivationQuantization>>;
