/// <reference types="@webgpu/types" />
import { tableWords, type WeightForm } from './weight-form.ts';

/** One weight, or the weights of all experts stacked, as it is kept on the device. */
export interface DeviceWeight {
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly matrices: number;
  readonly form: WeightForm;
  readonly groups: number;
  /** Consecutive rows, counted over all matrices, as many as one binding covers. */
  readonly parts: readonly WeightPart[];
  readonly bytes: number;
  release(): void;
}

export interface WeightPart {
  readonly firstRow: number;
  readonly rows: number;
  /** `[rows, rowWords]` */
  readonly codes: GPUBuffer;
  /** Scales, zero points and shifts, `[rows, groups]` each, then the group of each column, `[matrices, inFeatures]`. */
  readonly tables: GPUBuffer;
}

/** Where things stand in the tables of a part with so many rows, in words. */
export function tablePlaces({ scaleType, zeroType, shifted }: WeightForm, groups: number, rows: number) {
  const scale = 0;
  const zero = scale + (scaleType ? rows * tableWords(scaleType, groups) : 0);
  const shift = zero + (zeroType ? rows * tableWords(zeroType, groups) : 0);
  const groupOf = shift + (shifted ? rows * groups : 0);
  return { scale, zero, shift, groupOf };
}

/** The same with numbers of 32 bits in all tables, as they are put together. */
export function wideForm(form: WeightForm): WeightForm {
  const { scaleType, zeroType, ...rest } = form;
  return { ...rest, ...(scaleType ? { scaleType: 'f32' } : {}), ...(zeroType ? { zeroType: 'f32' } : {}) };
}
