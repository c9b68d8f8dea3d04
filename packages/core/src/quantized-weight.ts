import type { Stored } from './layout.ts';

/** A table with one value per block of `rows x cols` weights; the last block of an axis may be partial. */
export interface Blocked extends Stored {
  readonly block: readonly [rows: number, cols: number];
  /** The block of input feature i is `groupIndex[i]`, not `floor(i / cols)`; `cols` is then only how large a group is. */
  readonly indexed?: true;
}

/** One factor of the scale. */
export interface Scale extends Blocked {
  /** The stored number divides instead of multiplying (NVFP4's global scale). */
  readonly divide?: true;
  /**
   * Multiplies what the scales before it have made of the code, rounded, instead of their product: formats of two levels,
   * where integers are quantized once more. Only the last bit can tell.
   */
  readonly afterwards?: true;
}

/**
 * What the weights of one linear mean, as plain data.
 *
 * ```
 * w[o,i] = (code[o,i] - zero[r,g]) * scale[r,g] + shift[r,g]        r = floor(o / rows), g = floor(i / cols)
 * ```
 *
 * in f32: several scales are combined first, left to right, up to one marked `afterwards`. In tables marked `indexed`, g is `groupIndex[i]`. No scales:
 * the codes are the weights.
 */
export interface QuantizedWeight {
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly codes: Stored;
  readonly scales: readonly Scale[];
  readonly zero?: Blocked;
  /** Added after scaling, in units of the weight (formats that store `-scale * zero` instead of `zero`). */
  readonly shift?: Blocked;
  /** Group of each input feature, shape `[in]`, for the tables marked `indexed`. */
  readonly groupIndex?: Stored;
}
