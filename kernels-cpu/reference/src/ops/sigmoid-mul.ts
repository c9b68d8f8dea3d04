/** `output = sigmoid(gate) * input`, one gate `[rows, 1]` for each row of `input`. */
export function sigmoidMul(gate: Float32Array, input: Float32Array, output: Float32Array): void {
  const width = input.length / gate.length;
  for (let i = 0; i < input.length; i++) output[i] = input[i]! / (1 + Math.exp(-gate[Math.floor(i / width)]!));
}
