/// <reference types="@webgpu/types" />
import { splitRows } from '../gpu/split-rows.ts';
import type { Plan } from '../run/plan.ts';
import type { WeightPart } from '../weights/device-weight.ts';
import { weightShader } from '../weights/weight-shader.ts';
import type { DeviceExecution, DeviceLinear } from './device-linear.ts';
import { biasShader, type LinearUse, outputShader, outputsOf, rowShader } from './linear-use.ts';
import multiplyIntegers from './multiply-integers.wgsl';
import multiplyRows from './multiply-rows.wgsl';
import type { Input } from './plan-input.ts';

/** Rows one by one, times a weight of any form. */
export function planRows(
  plan: Plan,
  linear: DeviceLinear,
  { phase }: DeviceExecution,
  part: WeightPart,
  use: LinearUse,
  { x, shared }: Input,
): void {
  const shader = weightShader(linear.weight, part);
  const rows = rowShader(plan, use, phase);
  const outputs = outputShader(linear, use);
  const bias = biasShader(linear, part);
  const [outStart, outCount] = outputsOf(linear.weight, part);
  plan.add({
    label: 'multiply rows',
    source: [shader.source, rows.source, outputs.source, bias.source, multiplyRows].join('\n'),
    constants: shader.constants,
    sizes: {
      ...shader.sizes,
      ...rows.sizes,
      ...outputs.sizes,
      ...bias.sizes,
      SHARED: shared,
      OUT_START: outStart,
    },
    factors: shader.factors,
    bindings: {
      ...shader.bindings,
      ...rows.bindings,
      x: { buffer: x, type: 'f32' },
      ...outputs.bindings,
      ...bias.bindings,
    },
    workgroups: (counts) => [Math.ceil(outCount / 4), ...splitRows(rows.count(counts))],
  });
}

/** The same with sums of integers. */
export function planIntegers(
  plan: Plan,
  linear: DeviceLinear,
  { phase, integer }: DeviceExecution,
  part: WeightPart,
  use: LinearUse,
  { x, shared }: Input,
): void {
  const shader = weightShader(linear.weight, part);
  const rows = rowShader(plan, use, phase);
  const outputs = outputShader(linear, use);
  const [outStart, outCount] = outputsOf(linear.weight, part);
  plan.add({
    label: 'multiply integers',
    source: [shader.source, rows.source, outputs.source, multiplyIntegers].join('\n'),
    constants: shader.constants,
    sizes: { ...shader.sizes, ...rows.sizes, ...outputs.sizes, SHARED: shared, OUT_START: outStart },
    factors: shader.factors,
    bindings: {
      ...shader.bindings,
      ...rows.bindings,
      x: { buffer: x, type: 'i32' },
      ...outputs.bindings,
      accumulatorBias: { buffer: integer!.accumulatorBias, type: 'i32' },
      outputScale: { buffer: integer!.outputScale, type: 'f32' },
    },
    workgroups: (counts) => [outCount, ...splitRows(rows.count(counts))],
  });
}
