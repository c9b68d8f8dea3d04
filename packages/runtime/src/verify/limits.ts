/** When is a recomputed record right? Default limits, each with its reason. */
export const limits = {
  /** Logits with unquantized activations, of their range: f32 and f64 runs of one model differ by about a tenth of it. */
  logits: 1e-3,
  /**
   * Logits with quantized activations, median over tokens of the largest difference, of the range: one activation code
   * that flips at a rounding tie moves later layers, so single tokens say nothing.
   */
  activationLogits: 0.025,
  /** One layer alone with quantized activations, of each row's largest output: no cascade, only f32 rounding. */
  linearOutput: 1e-5,
} as const;
