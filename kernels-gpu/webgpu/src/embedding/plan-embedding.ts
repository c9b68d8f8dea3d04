/// <reference types="@webgpu/types" />
import { splitRows } from '../gpu/split-rows.ts';
import type { Plan } from '../run/plan.ts';
import type { DeviceWeight } from '../weights/device-weight.ts';
import weightAt from '../weights/weight-at.wgsl';
import { weightShader } from '../weights/weight-shader.ts';
import lookUp from './look-up.wgsl';

/** The rows of a table that the token ids name. */
export function planEmbedding(plan: Plan, table: DeviceWeight, output: GPUBuffer): void {
  for (const part of table.parts) {
    const { source, bindings, constants, sizes, factors } = weightShader(table, part);
    plan.add({
      label: 'embedding',
      source: [source, weightAt, lookUp].join('\n'),
      constants,
      sizes,
      factors,
      bindings: {
        ...bindings,
        counts: { buffer: plan.rows.counts, type: 'vec4u', access: 'uniform' },
        tokenIds: { buffer: plan.rows.tokenIds, type: 'u32' },
        output: { buffer: output, type: 'f32', access: 'write' },
      },
      workgroups: ({ rows }) => [Math.ceil(table.inFeatures / 64), ...splitRows(rows)],
    });
  }
}
