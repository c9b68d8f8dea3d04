import type { Linear, Phase } from '@lowbit/core';

/** Runs each row of `input`, `[rows, in]`, in its phase: one forward for each phase that occurs. */
export async function forwardRows(
  linear: Linear,
  input: Float32Array,
  phases: readonly Phase[],
): Promise<Float32Array> {
  const rows = phases.length;
  const [first = 'prefill'] = phases;
  if (phases.every((phase) => phase === first)) return linear.forward(input, rows, first);

  const inFeatures = input.length / rows;
  let all = new Float32Array();
  for (const phase of ['prefill', 'decode'] as const) {
    const own = [...phases.keys()].filter((row) => phases[row] === phase);
    const gathered = new Float32Array(own.length * inFeatures);
    own.forEach((row, at) => {
      gathered.set(input.subarray(row * inFeatures, (row + 1) * inFeatures), at * inFeatures);
    });
    const output = await linear.forward(gathered, own.length, phase);
    const outFeatures = output.length / own.length;
    if (all.length === 0) all = new Float32Array(rows * outFeatures);
    own.forEach((row, at) => {
      all.set(output.subarray(at * outFeatures, (at + 1) * outFeatures), row * outFeatures);
    });
  }
  return all;
}
