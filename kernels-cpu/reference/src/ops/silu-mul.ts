/** `output = gate * sigmoid(gate) * up`. `output` may be `gate` or `up`. */
export function siluMul(gate: Float32Array, up: Float32Array, output: Float32Array): void {
  for (let i = 0; i < output.length; i++) output[i] = Math.fround(gate[i]! / (1 + Math.exp(-gate[i]!))) * up[i]!;
}
