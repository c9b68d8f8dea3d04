/** What a computation should give, and the sum of the magnitudes that were added up for each number. */
export interface Expected {
  readonly values: Float64Array;
  readonly magnitudes: Float64Array;
}

/** `y = x . W^T + bias` in f64, one sum after the other. */
export function expectedLinear(
  x: Float32Array,
  weight: Float32Array,
  inFeatures: number,
  bias?: Float32Array,
): Expected {
  const rows = x.length / inFeatures;
  const outFeatures = weight.length / inFeatures;
  const values = new Float64Array(rows * outFeatures);
  const magnitudes = new Float64Array(rows * outFeatures);
  for (let row = 0; row < rows; row++) {
    for (let out = 0; out < outFeatures; out++) {
      let sum = bias?.[out] ?? 0;
      let magnitude = Math.abs(sum);
      for (let i = 0; i < inFeatures; i++) {
        const product = x[row * inFeatures + i]! * weight[out * inFeatures + i]!;
        sum += product;
        magnitude += Math.abs(product);
      }
      values[row * outFeatures + out] = sum;
      magnitudes[row * outFeatures + out] = magnitude;
    }
  }
  return { values, magnitudes };
}
