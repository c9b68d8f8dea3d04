import { answerAsLinears, type ExpertDescription, type Linear, type MoeKernel, type Routing } from '@lowbit/core';
import { dequantize } from '../linear/dequantize.ts';
import { forwardRows } from '../linear/forward-rows.ts';
import { siluMul } from '../ops/silu-mul.ts';

type Expert = Readonly<Record<keyof ExpertDescription, Linear>>;

/** Every expert as three dequantized linears; each runs the rows that were sent to it, and no others. */
export const experts: MoeKernel = {
  ...answerAsLinears('reference/experts', dequantize),
  async prepare(description, context) {
    const prepared: Expert[] = [];
    for (const { gate, up, down } of description.experts) {
      prepared.push({
        gate: await dequantize.prepare(gate, context),
        up: await dequantize.prepare(up, context),
        down: await dequantize.prepare(down, context),
      });
    }
    const hiddenSize = description.experts[0]?.gate.weight.inFeatures ?? 0;
    return {
      forward: (input, routing) => forward(prepared, hiddenSize, input, routing),
      release() {
        for (const expert of prepared.splice(0)) for (const linear of Object.values(expert)) linear.release();
      },
    };
  },
};

/** Outputs are added in f64, expert by expert in their order, so that a row gives the same bits in every batch. */
async function forward(
  prepared: readonly Expert[],
  hiddenSize: number,
  input: Float32Array,
  { topK, experts: chosen, weights, phases }: Routing,
): Promise<Float32Array> {
  const sums = new Float64Array(phases.length * hiddenSize);
  for (const [index, expert] of prepared.entries()) {
    const slots = [...chosen.keys()].filter((slot) => chosen[slot] === index);
    if (slots.length === 0) continue;
    const rows = slots.map((slot) => Math.floor(slot / topK));
    const output = await runExpert(
      expert,
      gather(input, rows, hiddenSize),
      rows.map((row) => phases[row]!),
    );
    for (const [at, row] of rows.entries()) {
      const weight = weights[slots[at]!]!;
      for (let i = 0; i < hiddenSize; i++) sums[row * hiddenSize + i]! += weight * output[at * hiddenSize + i]!;
    }
  }
  return Float32Array.from(sums);
}

async function runExpert({ gate, up, down }: Expert, input: Float32Array, phases: Routing['phases']) {
  const gated = await forwardRows(gate, input, phases);
  siluMul(gated, await forwardRows(up, input, phases), gated);
  return forwardRows(down, gated, phases);
}

function gather(input: Float32Array, rows: readonly number[], width: number): Float32Array {
  const gathered = new Float32Array(rows.length * width);
  rows.forEach((row, at) => {
    gathered.set(input.subarray(row * width, (row + 1) * width), at * width);
  });
  return gathered;
}
