/// <reference types="@webgpu/types" />
import type { ConcatOperation } from '@lowbit/core';
import { splitRows } from '../gpu/split-rows.ts';
import type { Plan } from '../run/plan.ts';
import shader from './concat.wgsl';

/** One dispatch for each part: it writes its features of every head. */
export function planConcat(
  plan: Plan,
  { heads, parts, output }: ConcatOperation,
  widthOf: (name: string) => number,
  value: (name: string) => GPUBuffer,
): void {
  let offset = 0;
  for (const { input, start, stride, size } of parts) {
    plan.add({
      label: 'concat',
      source: shader,
      sizes: {
        START: start,
        STRIDE: stride,
        SIZE: size,
        HEADS: heads,
        INPUT_WIDTH: widthOf(input),
        OUTPUT_WIDTH: widthOf(output),
        OFFSET: offset,
      },
      bindings: {
        counts: { buffer: plan.rows.counts, type: 'vec4u', access: 'uniform' },
        input: { buffer: value(input), type: 'f32' },
        output: { buffer: value(output), type: 'f32', access: 'write' },
      },
      workgroups: ({ rows }) => [Math.ceil((heads * size) / 64), ...splitRows(rows)],
    });
    offset += size;
  }
}
