import type { RopeOperation } from '@lowbit/core';

const { fround } = Math;

/**
 * Turns each head of `value`, `[rows, heads * headSize]`, in place, as `RopeOperation` says. Angles, cosines, sines and
 * products are f32.
 */
export function rope(
  value: Float32Array,
  positions: Int32Array,
  { headSize, inverseFrequencies, attentionFactor, interleaved, offset = 0 }: Omit<RopeOperation, 'kind' | 'values'>,
): void {
  const [step, distance] = interleaved ? [2, 1] : [1, inverseFrequencies.length];
  const width = value.length / positions.length;
  positions.forEach((position, row) => {
    inverseFrequencies.forEach((frequency, j) => {
      const cos = fround(fround(Math.cos(fround(position * frequency))) * attentionFactor);
      const sin = fround(fround(Math.sin(fround(position * frequency))) * attentionFactor);
      for (let head = row * width; head < (row + 1) * width; head += headSize) {
        const first = head + offset + step * j;
        const x = value[first]!;
        const y = value[first + distance]!;
        value[first] = fround(x * cos) - fround(y * sin);
        value[first + distance] = fround(x * sin) + fround(y * cos);
      }
    });
  });
}
