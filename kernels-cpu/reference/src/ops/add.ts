/** `output = left + right`. `output` may be one of them. */
export function add(left: Float32Array, right: Float32Array, output: Float32Array): void {
  for (let i = 0; i < output.length; i++) output[i] = left[i]! + right[i]!;
}
