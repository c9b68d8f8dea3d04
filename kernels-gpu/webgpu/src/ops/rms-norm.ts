/// <reference types="@webgpu/types" />
import { splitRows } from '../gpu/split-rows.ts';
import { unroll } from '../gpu/unroll.ts';
import type { Plan } from '../run/plan.ts';
import type { DeviceVector } from '../run/prepare-modules.ts';
import shader from './rms-norm.wgsl';

interface NormSizes {
  readonly size: number;
  /** Runs of that size in a row. */
  readonly runs: number;
  readonly epsilon: number;
}

interface NormValues {
  readonly input: GPUBuffer;
  readonly output: GPUBuffer;
  /** Added to the input, in place, before. */
  readonly addend?: GPUBuffer;
  /** Only rows whose logits are wanted, the output has no others. */
  readonly logits?: boolean;
}

export function planRmsNorm(
  plan: Plan,
  { numbers, biased }: DeviceVector,
  { size, runs, epsilon }: NormSizes,
  { input, output, addend, logits = false }: NormValues,
): void {
  const threads = size > 256 ? 256 : 64;
  plan.add({
    label: 'rms-norm',
    source: [
      `fn inputRow(row: u32) -> u32 { return ${logits ? 'logitRows[row]' : 'row'}; }`,
      unroll(shader, { OWN: Math.ceil(size / threads), ADDS: Number(addend !== undefined) }),
    ].join('\n'),
    constants: { BIASED: Number(biased), THREADS: threads },
    sizes: { SIZE: size, RUNS: runs, LOGITS: Number(logits) },
    factors: { EPSILON: epsilon },
    bindings: {
      counts: { buffer: plan.rows.counts, type: 'vec4u', access: 'uniform' },
      input: { buffer: input, type: 'f32', access: addend ? 'write' : 'read' },
      ...(addend ? { addend: { buffer: addend, type: 'f32' } } : {}),
      ...(logits ? { logitRows: { buffer: plan.rows.logitRows, type: 'u32' } } : {}),
      output: { buffer: output, type: 'f32', access: 'write' },
      weight: { buffer: numbers, type: 'f32' },
    },
    workgroups: ({ rows, logitRows }) => [runs, ...splitRows(logits ? logitRows : rows)],
  });
}
