import type { TopRequest } from '@lowbit/core';

/** `TopLogits` of rows that all have a count, as they come from the device. */
export interface ChosenLogits {
  readonly tokenIds: Int32Array;
  readonly values: Float32Array;
  readonly logSumExp: Float64Array;
}

export function emptyChosen({ counts }: TopRequest): ChosenLogits {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return {
    tokenIds: new Int32Array(total),
    values: new Float32Array(total),
    logSumExp: new Float64Array(counts.length),
  };
}

/**
 * Puts rows `firstRow` and following where they belong.
 * @param numbers as merge.wgsl wrote them, with room for `stride` logits a row
 */
export function readChosen(
  all: ChosenLogits,
  { counts }: TopRequest,
  firstRow: number,
  numbers: Float32Array,
  stride: number,
): void {
  const ids = new Int32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  const width = 2 + 2 * stride;
  let at = counts.subarray(0, firstRow).reduce((sum, count) => sum + count, 0);
  for (let row = 0; row < numbers.length / width; row++) {
    const count = counts[firstRow + row]!;
    const [largest, sum] = numbers.subarray(row * width) as Float32Array & [number, number];
    const first = row * width + 2;
    all.tokenIds.set(ids.subarray(first, first + count), at);
    all.values.set(numbers.subarray(first + stride, first + stride + count), at);
    // The device leaves out what is not finite.
    const likeliest = all.values[at]!;
    all.logSumExp[firstRow + row] = Number.isFinite(likeliest) ? largest + Math.log(sum) : likeliest;
    at += count;
  }
}
