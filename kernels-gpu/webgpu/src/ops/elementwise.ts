/// <reference types="@webgpu/types" />
import type { DispatchSpec } from '../gpu/dispatch.ts';
import { splitRows } from '../gpu/split-rows.ts';
import type { Plan } from '../run/plan.ts';
import shader from './elementwise.wgsl';

interface ElementwiseOptions {
  readonly label: string;
  /** f32 buffers that the expression reads, by name. */
  readonly inputs: Readonly<Record<string, GPUBuffer>>;
  readonly others?: DispatchSpec['bindings'];
  readonly sizes?: DispatchSpec['sizes'];
  readonly output: GPUBuffer;
  /** Of a row of the output. */
  readonly width: number;
  /** WGSL of one number at `place`, feature `i` of row `row`. */
  readonly expression: string;
  /** WGSL that the expression calls. */
  readonly functions?: string;
  /** Rows of the output for each row of the batch. Default 1. */
  readonly slots?: number;
  /** Rows whose logits are wanted instead of all. */
  readonly logits?: boolean;
}

/** One number of the output from numbers of the inputs. */
export function planElementwise(plan: Plan, options: ElementwiseOptions): void {
  const { label, inputs, others = {}, sizes = {}, output, width, expression } = options;
  const { functions = '', slots = 1, logits = false } = options;
  plan.add({
    label,
    source: [functions, `fn numberAt(row: u32, i: u32, place: u32) -> f32 { return ${expression}; }`, shader].join(
      '\n',
    ),
    sizes: { ...sizes, WIDTH: width, SLOTS: slots, LOGITS: Number(logits) },
    bindings: {
      counts: { buffer: plan.rows.counts, type: 'vec4u', access: 'uniform' },
      ...Object.fromEntries(Object.entries(inputs).map(([name, buffer]) => [name, { buffer, type: 'f32' }])),
      ...others,
      output: { buffer: output, type: 'f32', access: 'write' },
    },
    workgroups: ({ rows, logitRows }) => [Math.ceil(width / 64), ...splitRows((logits ? logitRows : rows) * slots)],
  });
}
