import type { FloatType } from '@lowbit/core';

/**
 * A binary float of at most 32 bits: sign, `exponentBits`, `mantissaBits`, from the top.
 * Sources: IEEE 754; OCP "8-bit Floating Point Specification"; OCP "Microscaling Formats (MX) v1.0"; the `fnuz` formats
 * (finite, NaN, unsigned zero) of AMD CDNA3.
 */
export interface FloatFormat {
  readonly exponentBits: number;
  readonly mantissaBits: number;
  readonly bias: number;
  /**
   * What is not a number: `ieee`, the highest exponent is infinity or NaN; `all-ones`, that one code is NaN; `fnuz`, the
   * code of -0 is NaN; `none`, every code is finite.
   */
  readonly specials: 'ieee' | 'all-ones' | 'fnuz' | 'none';
  /** What a number too large becomes. */
  readonly overflow: 'infinity' | 'largest';
}

/** Floats of at most 32 bits, other than the power-of-two scale. */
export type SmallFloatType = Exclude<FloatType, 'f64' | 'e8m0'>;

export const floatFormats: Readonly<Record<SmallFloatType, FloatFormat>> = {
  f32: { exponentBits: 8, mantissaBits: 23, bias: 127, specials: 'ieee', overflow: 'infinity' },
  f16: { exponentBits: 5, mantissaBits: 10, bias: 15, specials: 'ieee', overflow: 'infinity' },
  bf16: { exponentBits: 8, mantissaBits: 7, bias: 127, specials: 'ieee', overflow: 'infinity' },
  f8e4m3: { exponentBits: 4, mantissaBits: 3, bias: 7, specials: 'all-ones', overflow: 'largest' },
  f8e5m2: { exponentBits: 5, mantissaBits: 2, bias: 15, specials: 'ieee', overflow: 'largest' },
  f8e4m3fnuz: { exponentBits: 4, mantissaBits: 3, bias: 8, specials: 'fnuz', overflow: 'largest' },
  f8e5m2fnuz: { exponentBits: 5, mantissaBits: 2, bias: 16, specials: 'fnuz', overflow: 'largest' },
  f6e2m3: { exponentBits: 2, mantissaBits: 3, bias: 1, specials: 'none', overflow: 'largest' },
  f6e3m2: { exponentBits: 3, mantissaBits: 2, bias: 3, specials: 'none', overflow: 'largest' },
  f4e2m1: { exponentBits: 2, mantissaBits: 1, bias: 1, specials: 'none', overflow: 'largest' },
};
