/**
 * Indices of the `count` largest values, largest first; of equals, the lowest index first. NaN counts as larger than any number, and
 * both zeros as equal. All indices where `count` is more than there are.
 */
export function largestIndices(values: ArrayLike<number>, count: number): Int32Array {
  if (count < 1) return new Int32Array();
  const falling = (a: number, b: number) => compare(values[b]!, values[a]!) || a - b;
  // Twice as many are kept as wanted before they are sorted: each sort pays for as many values that beat the least of the best.
  const kept: number[] = [];
  let least: number | undefined;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (least !== undefined && !(value > least || Number.isNaN(value))) continue;
    kept.push(index);
    if (kept.length < 2 * count) continue;
    kept.sort(falling).length = count;
    least = values[kept[count - 1]!]!;
  }
  return Int32Array.from(kept.sort(falling).slice(0, count));
}

function compare(a: number, b: number): number {
  if (a === b) return 0;
  if (a > b) return 1;
  return a < b ? -1 : Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}
