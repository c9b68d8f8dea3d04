/**
 * `y = x . W^T` for x `[rows, in]` and W `[out, in]`; sums and answer `[rows, out]` in f64.
 *
 * Every sum runs over its inputs in ascending order, whatever the other rows are: a row gives the same bits alone, in a
 * batch and in chunks.
 *
 * Tiles of four outputs and two rows: eight sums that do not wait for each other, and each number read is used more
 * than once. Where a tile sticks out, it computes the last row or output again and writes the same number again.
 */
export function multiply(x: Float32Array, rows: number, weight: Float32Array, inFeatures: number): Float64Array {
  const outFeatures = weight.length / inFeatures;
  const y = new Float64Array(rows * outFeatures);
  for (let out0 = 0; out0 < outFeatures; out0 += 4) {
    const out1 = Math.min(out0 + 1, outFeatures - 1);
    const out2 = Math.min(out0 + 2, outFeatures - 1);
    const out3 = Math.min(out0 + 3, outFeatures - 1);
    const w0 = out0 * inFeatures;
    const w1 = out1 * inFeatures;
    const w2 = out2 * inFeatures;
    const w3 = out3 * inFeatures;
    for (let rowA = 0; rowA < rows; rowA += 2) {
      const rowB = Math.min(rowA + 1, rows - 1);
      const xA = rowA * inFeatures;
      const xB = rowB * inFeatures;
      let a0 = 0;
      let a1 = 0;
      let a2 = 0;
      let a3 = 0;
      let b0 = 0;
      let b1 = 0;
      let b2 = 0;
      let b3 = 0;
      for (let i = 0; i < inFeatures; i++) {
        const a = x[xA + i]!;
        const b = x[xB + i]!;
        a0 += a * weight[w0 + i]!;
        a1 += a * weight[w1 + i]!;
        a2 += a * weight[w2 + i]!;
        a3 += a * weight[w3 + i]!;
        b0 += b * weight[w0 + i]!;
        b1 += b * weight[w1 + i]!;
        b2 += b * weight[w2 + i]!;
        b3 += b * weight[w3 + i]!;
      }
      const yA = rowA * outFeatures;
      const yB = rowB * outFeatures;
      y[yA + out0] = a0;
      y[yA + out1] = a1;
      y[yA + out2] = a2;
      y[yA + out3] = a3;
      y[yB + out0] = b0;
      y[yB + out1] = b1;
      y[yB + out2] = b2;
      y[yB + out3] = b3;
    }
  }
  return y;
}
