import type { WebgpuDevice } from '../device/webgpu-device.ts';
import type { DispatchSpec } from '../gpu/dispatch.ts';
import { splitRows } from '../gpu/split-rows.ts';
import { unroll } from '../gpu/unroll.ts';
import type { Plan } from '../run/plan.ts';
import type { DeviceWeight, WeightPart } from '../weights/device-weight.ts';
import { sliceCodes } from '../weights/slice-codes.ts';
import { sliceColumns } from '../weights/weight-form.ts';
import { weightShader } from '../weights/weight-shader.ts';
import addUpSubgroups from './add-up-subgroups.wgsl';
import addUpThreads from './add-up-threads.wgsl';
import type { DeviceExecution, DeviceLinear } from './device-linear.ts';
import { dotBytes } from './dot-bytes.ts';
import { codesBinding, inputShader, sumShader } from './input-shader.ts';
import { isFew, type LinearUse, outputShader, outputsOf, rowShader } from './linear-use.ts';
import multiplySlices from './multiply-slices.wgsl';
import { type Input, roundsToPlanes } from './plan-input.ts';

/** Few rows times a weight whose slices have numbers of their own: one row alone, several together. */
export function planSlices(
  plan: Plan,
  linear: DeviceLinear,
  execution: DeviceExecution,
  part: WeightPart,
  use: LinearUse,
  input: Input,
): void {
  const { weight, numerics } = linear;
  const { device } = plan;
  const mode = input.kind === 'bytes' ? 'BYTES' : roundsToPlanes(weight.form, numerics) ? 'PLANES' : 'FLOATS';
  const shader = weightShader(weight, part);
  const rows = rowShader(plan, use, execution.phase);
  const outputs = outputShader(linear, use);
  const from = inputShader(input, weight.inFeatures);
  const scales = scaleShader(input, execution);
  const sum = sumShader(linear, execution, part);
  const [outStart, outCount] = outputsOf(weight, part);
  const shape = shapeOf(device, weight, outCount);
  // Rows of one matrix can be together; rows of experts each have their own.
  const together = [...new Set(weight.matrices === 1 ? [1, rowsAtOnce(device, mode)] : [1])];
  for (const rowsOfThread of together) {
    const counts = { OWN_SLICES: shape.ownSlices, ROWS: rowsOfThread, BLOCK: shape.block };
    plan.add({
      label: `multiply slices, ${rowsOfThread} rows`,
      source: [
        shader.source,
        rows.source,
        outputs.source,
        from.source,
        scales.source,
        sum.source,
        sliceCodes(weight.form.code),
        dotBytes(device),
        kernelSource(device, counts),
      ].join('\n'),
      constants: {
        ...shader.constants,
        ROWS: rowsOfThread,
        BLOCK: shape.block,
        BLOCKS: shape.blocks,
        THREADS: shape.threads,
        SUBGROUP: device.subgroupSize ?? 1,
        KEPT: shape.block * shape.blocks * rowsOfThread,
        // What is read ahead takes registers, of which numbers of 32 bits leave too few.
        AHEAD: Number(rowsOfThread === 1 && mode !== 'FLOATS'),
        MODE: ['FLOATS', 'PLANES', 'BYTES'].indexOf(mode),
        PER_NUMBER: weight.groups === 1 || weight.form.groupSize % sliceColumns === 0 ? 8 : 4,
        INTEGER_SUMS: Number(execution.integer !== undefined),
      },
      sizes: {
        ...shader.sizes,
        ...rows.sizes,
        ...outputs.sizes,
        ...from.sizes,
        ...scales.sizes,
        ...sum.sizes,
        OUT_START: outStart,
        SLICES: Math.ceil(weight.inFeatures / sliceColumns),
      },
      factors: shader.factors,
      bindings: {
        ...shader.bindings,
        ...codesBinding(linear, part),
        ...rows.bindings,
        ...outputs.bindings,
        ...from.bindings,
        ...scales.bindings,
        ...sum.bindings,
      },
      workgroups(counts) {
        const tiled = !isFew(device, counts, use) && (weight.matrices === 1 || use.sorted !== undefined);
        const count = rows.count(counts);
        if (tiled || (together.length > 1 && count > 1 !== rowsOfThread > 1)) return [0];
        return [Math.ceil(outCount / (shape.block * shape.blocks)), ...splitRows(Math.ceil(count / rowsOfThread))];
      },
    });
  }
}

/** `xScaleAt` of bytes, which integer sums have no use for. */
function scaleShader(
  input: Input,
  { integer }: DeviceExecution,
): Pick<DispatchSpec, 'sizes' | 'bindings'> & { source: string } {
  if (input.kind === 'floats') return { source: '', sizes: {}, bindings: {} };
  const scale = integer ? '1.0' : 'xScales[row * X_GROUPS + column / X_GROUP_FEATURES]';
  return {
    source: `fn xScaleAt(row: u32, column: u32) -> f32 { return ${scale}; }`,
    sizes: { X_GROUPS: input.groups, X_GROUP_FEATURES: input.groupFeatures },
    bindings: integer ? {} : { xScales: { buffer: input.scales, type: 'f32' } },
  };
}

/** Rows of y that one thread holds the x of; more take more registers than pay. */
function rowsAtOnce(device: WebgpuDevice, mode: 'FLOATS' | 'PLANES' | 'BYTES'): number {
  if (device.software) return 1;
  return mode === 'BYTES' ? 4 : 2;
}

/** How threads divide a matrix: rows of it are read by as many as it has slices, where the device allows so many. */
function shapeOf(device: WebgpuDevice, { inFeatures, form }: DeviceWeight, outCount: number) {
  const { subgroupSize = 1, gpu } = device;
  const slices = Math.ceil(inFeatures / sliceColumns);
  // Wide codes take registers.
  const block = device.software || form.code.bits > 8 ? 4 : 8;
  // Without subgroups each thread needs 32 bytes of workgroup memory.
  const most = subgroupSize > 4 ? Math.min(512, gpu.limits.maxComputeInvocationsPerWorkgroup) : 256;
  const ownSlices = Math.ceil(slices / most);
  const threads = 32 * Math.ceil(Math.ceil(slices / ownSlices) / 32);
  // More rows for each workgroup save reading x; fewer keep a small matrix on the whole device.
  const blocks = outCount * inFeatures >= 2 ** 24 && subgroupSize > 4 ? 4 : 1;
  return { ownSlices, threads, block, blocks };
}

function kernelSource({ subgroupSize }: WebgpuDevice, counts: Readonly<Record<string, number>>): string {
  if (subgroupSize !== undefined) {
    const kernel = multiplySlices.replace('@builtin(LANE)', '@builtin(subgroup_invocation_id)');
    return ['enable subgroups;', addUpSubgroups, unroll(kernel, counts)].join('\n');
  }
  const kernel = multiplySlices.replace(/^.*@builtin\(LANE\).*\n/m, '');
  return ['const lane = 0u;', unroll(`${addUpThreads}\n${kernel}`, counts)].join('\n');
}
