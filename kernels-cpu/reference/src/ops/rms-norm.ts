const { fround } = Math;

/**
 * `output = input / sqrt(mean(input^2) + epsilon) * weight (+ bias)` over each run of `weight.length` features. `output`
 * may be `input` itself. Normalized numbers are rounded to f32 before they meet the weight.
 */
export function rmsNorm(
  input: Float32Array,
  { weight, bias }: { readonly weight: Float32Array; readonly bias?: Float32Array | undefined },
  epsilon: number,
  output: Float32Array,
): void {
  const size = weight.length;
  for (let start = 0; start < input.length; start += size) {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += input[start + i]! ** 2;
    const factor = fround(1 / Math.sqrt(fround(sum / size) + epsilon));
    for (let i = 0; i < size; i++) {
      output[start + i] = fround(fround(input[start + i]! * factor) * weight[i]!) + (bias?.[i] ?? 0);
    }
  }
}
