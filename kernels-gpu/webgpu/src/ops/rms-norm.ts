/// <reference types="@webgpu/types" />
import { splitRows } from '../gpu/split-rows.ts';
import type { Plan } from '../run/plan.ts';
import type { DeviceVector } from '../run/prepare-modules.ts';
import shader from './rms-norm.wgsl';

interface NormSizes {
  readonly size: number;
  /** Runs of that size in a row. */
  readonly runs: number;
  readonly epsilon: number;
}

const takeIn = 'fn takeIn(place: u32) -> f32 { return input[place]; }';
const addFirst = `
fn takeIn(place: u32) -> f32 {
  let sum = input[place] + addend[place];
  input[place] = sum;
  return sum;
}`;

export function planRmsNorm(
  plan: Plan,
  { numbers, biased }: DeviceVector,
  { size, runs, epsilon }: NormSizes,
  input: GPUBuffer,
  output: GPUBuffer,
  /** Added to the input, in place, before. */
  addend?: GPUBuffer,
): void {
  plan.add({
    label: 'rms-norm',
    source: [addend ? addFirst : takeIn, shader].join('\n'),
    constants: { BIASED: Number(biased), THREADS: size > 256 ? 256 : 64 },
    sizes: { SIZE: size, RUNS: runs },
    factors: { EPSILON: epsilon },
    bindings: {
      counts: { buffer: plan.rows.counts, type: 'vec4u', access: 'uniform' },
      input: { buffer: input, type: 'f32', access: addend ? 'write' : 'read' },
      ...(addend ? { addend: { buffer: addend, type: 'f32' } } : {}),
      output: { buffer: output, type: 'f32', access: 'write' },
      weight: { buffer: numbers, type: 'f32' },
    },
    workgroups: ({ rows }) => [runs, ...splitRows(rows)],
  });
}
