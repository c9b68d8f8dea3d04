/**
 * Turns each head of `value`, `[rows, heads * headSize]`, in place: features j and j + d of a head are the two
 * coordinates of a point that turns by `position * inverseFrequencies[j]`, d = inverseFrequencies.length. Features past
 * 2d stay.
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
      const cos = Math.cos(position * frequency) * attentionFactor;
      const sin = Math.sin(position * frequency) * attentionFactor;
      for (let head = row * width; head < (row + 1) * width; head += headSize) {
        const x = value[head + j]!;
        const y = value[head + j + half]!;
        value[head + j] = x * cos - y * sin;
        value[head + j + half] = x * sin + y * cos;
      }
    });
  });
}
