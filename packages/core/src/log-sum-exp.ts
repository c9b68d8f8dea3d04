/** `log(sum(exp(values)))`, safe for large values. NaN where one is NaN, else the largest where that is infinite. */
export function logSumExp(values: ArrayLike<number>): number {
  let largest = Number.NEGATIVE_INFINITY;
  let unfit = false;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (value > largest) largest = value;
    if (Number.isNaN(value)) unfit = true;
  }
  if (unfit) return Number.NaN;
  if (!Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += Math.exp(values[index]! - largest);
  return largest + Math.log(sum);
}
