const { fround } = Math;

/**
 * Turns each head of `value`, `[rows, heads * headSize]`, in place: features j and j + d of a head are the two
 * coordinates of a point that turns by `position * inverseFrequencies[j]`, d = inverseFrequencies.length. Features past
 * 2d stay. Angles, cosines, sines and products are f32.
 */
export function rope(
  value: Float32Array,
  positions: Int32Array,
  headSize: number,
  inverseFrequencies: readonly number[],
  attentionFactor: number,
): void {
  const half = inverseFrequencies.length;
  const width = value.length / positions.length;
  positions.forEach((position, row) => {
    inverseFrequencies.forEach((frequency, j) => {
      const cos = fround(fround(Math.cos(fround(position * frequency))) * attentionFactor);
      const sin = fround(fround(Math.sin(fround(position * frequency))) * attentionFactor);
      for (let head = row * width; head < (row + 1) * width; head += headSize) {
        const x = value[head + j]!;
        const y = value[head + j + half]!;
        value[head + j] = fround(x * cos) - fround(y * sin);
        value[head + j + half] = fround(x * sin) + fround(y * cos);
      }
    });
  });
}
