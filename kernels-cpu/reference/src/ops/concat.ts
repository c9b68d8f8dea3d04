import type { ConcatOperation } from '@lowbit/core';

/** Heads put together from slices of other values, as `ConcatOperation` says. */
export function concat(
  { heads, parts }: Pick<ConcatOperation, 'heads' | 'parts'>,
  value: (name: string) => Float32Array,
  output: Float32Array,
): void {
  const headSize = parts.reduce((sum, { size }) => sum + size, 0);
  const rows = output.length / (heads * headSize);
  let offset = 0;
  for (const { input, start, stride, size } of parts) {
    const from = value(input);
    const width = from.length / rows;
    for (let row = 0; row < rows; row++) {
      for (let head = 0; head < heads; head++) {
        const first = row * width + start + head * stride;
        output.set(from.subarray(first, first + size), (row * heads + head) * headSize + offset);
      }
    }
    offset += size;
  }
}
