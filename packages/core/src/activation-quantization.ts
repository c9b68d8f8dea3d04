import type { ElementType } from './element-type.ts';
import type { Stored } from './layout.ts';

/** What one activation scale covers: everything, one token (row), or `size` neighbouring features of one token. */
export type ActivationGranularity =
  | { readonly kind: 'tensor' }
  | { readonly kind: 'token' }
  | { readonly kind: 'group'; readonly size: number };

/**
 * How a scheme quantizes the input of a linear, as data. `q = clamp(round(x / scale) + zero)`, `x' = (q - zero) * scale`.
 * Executed with numerics `faithful` and `fast`; ignored, and said so, with `exact`.
 */
export interface ActivationQuantization {
  readonly type: ElementType;
  readonly granularity: ActivationGranularity;
  /** Static scales come from the checkpoint; dynamic ones from the data: `scale = max|x| / divisor`. */
  readonly scale: { readonly kind: 'static'; readonly scale: Stored; readonly zero?: Stored } | DynamicScale;
  readonly rounding: 'half-even' | 'half-away';
  /** The zero point is added before rounding, `q = clamp(round(x / scale + zero))`: what lies halfway falls by the sum. */
  readonly zeroFirst?: true;
  /** `x * (1 / scale)` instead of `x / scale`, each operation rounded to f32: what lies halfway can fall the other way. */
  readonly reciprocal?: true;
}

export interface DynamicScale {
  readonly kind: 'dynamic';
  readonly symmetric: boolean;
  /** Symmetric: 127 or 127.5 for int8, 448 for e4m3, 6 for e2m1. Asymmetric: number of steps, 255 for int8. */
  readonly divisor: number;
  /**
   * The scale is itself rounded to the nearest number of this type (`e8m0` for MX, `f8e4m3` for NVFP4). Libraries that
   * change power-of-two scales elsewhere than halfway, at 1.5, say so by the divisor: 14/3 for e2m1 and 896/3 for e4m3
   * move that point to 1.75 of the largest magnitude's own power of two, 1024/3 for e4m3 to the next power of two.
   */
  readonly scaleType?: ElementType;
  /**
   * Divides the scale before it is rounded and multiplies it after (NVFP4). `divide`, as in a weight's `Scale`: the stored
   * number multiplies before and divides after.
   */
  readonly globalScale?: Stored & { readonly divide?: true };
}
