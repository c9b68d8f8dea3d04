import type { DispatchSpec } from '../gpu/dispatch.ts';
import { unroll } from '../gpu/unroll.ts';
import type { Plan } from '../run/plan.ts';
import type { WeightPart } from '../weights/device-weight.ts';
import { sliceCodes } from '../weights/slice-codes.ts';
import { sliceColumns } from '../weights/weight-form.ts';
import { weightShader } from '../weights/weight-shader.ts';
import type { DeviceExecution, DeviceLinear } from './device-linear.ts';
import { dotBytes } from './dot-bytes.ts';
import { codesBinding, inputShader, sumShader } from './input-shader.ts';
import { isFew, type LinearUse, outputShader, outputsOf, rowShader } from './linear-use.ts';
import multiplyByteTiles from './multiply-byte-tiles.wgsl';
import multiplyTiles from './multiply-tiles.wgsl';
import type { ByteInput, Input } from './plan-input.ts';
import { tileOuts, tileShader } from './tiles.ts';

/** Many rows times a weight whose slices have numbers of their own. */
export function planTiles(
  plan: Plan,
  linear: DeviceLinear,
  execution: DeviceExecution,
  part: WeightPart,
  use: LinearUse,
  input: Input,
): void {
  const { weight } = linear;
  const shader = weightShader(weight, part);
  const { experts: _, ...ofTiles } = use;
  const rows = rowShader(plan, ofTiles, execution.phase);
  const tiles = tileShader(use.sorted, plan.rows.capacity * (use.slots ?? 1), rows.count);
  const outputs = outputShader(linear, use);
  const from = inputShader(input, weight.inFeatures);
  const sum = sumShader(linear, execution, part);
  const sums = input.kind === 'bytes' ? byteSums(input, linear, execution) : undefined;
  const [outStart, outCount] = outputsOf(weight, part);
  plan.add({
    label: input.kind === 'bytes' ? 'multiply byte tiles' : 'multiply tiles',
    source: [
      shader.source,
      rows.source,
      tiles.source,
      outputs.source,
      from.source,
      sum.source,
      sliceCodes(weight.form.code),
      ...(sums
        ? [sums.source, dotBytes(plan.device), unroll(multiplyByteTiles, sums.constants, plan.device.software)]
        : [unroll(multiplyTiles, {}, plan.device.software)]),
    ].join('\n'),
    constants: { ...shader.constants, ...sums?.constants },
    sizes: {
      ...shader.sizes,
      ...rows.sizes,
      ...tiles.sizes,
      ...outputs.sizes,
      ...from.sizes,
      ...sum.sizes,
      ...sums?.sizes,
      OUT_START: outStart,
      SLICES: Math.ceil(weight.inFeatures / sliceColumns),
    },
    factors: shader.factors,
    bindings: {
      ...shader.bindings,
      ...codesBinding(linear, part),
      ...rows.bindings,
      ...tiles.bindings,
      ...outputs.bindings,
      ...from.bindings,
      ...sum.bindings,
      ...sums?.bindings,
    },
    workgroups: (counts) =>
      isFew(plan.device, counts, use) ? [0] : [Math.ceil(outCount / tileOuts), tiles.count(counts)],
  });
}

/** What becomes of the integer sums: `resultOf`, of what was made f32 on the way, and of what was not. */
function byteSums({ sums, chunk, chunks }: ByteInput, { weight }: DeviceLinear, { integer }: DeviceExecution) {
  // Codes that are not the integers themselves are too large by OFFSET.
  const offset = integer !== undefined && weight.form.code.offset !== 0;
  const ofIntegers = `sum${offset ? ' - i32(OFFSET) * i32(xSums[source * CHUNKS].y)' : ''}`;
  const needed = integer === undefined || offset;
  return {
    source: `
fn xSumsAt(source: u32, chunk: u32) -> vec2f { return ${integer ? 'vec2f()' : 'xSums[source * CHUNKS + chunk]'}; }
fn resultOf(total: f32, sum: i32, source: u32, place: u32) -> f32 {
  return finished(${integer ? ofIntegers : 'total'}, place);
}`,
    constants: { SLICES_OF_STEP: integer || chunk >= 64 ? 2 : 1, INTEGER_SUMS: Number(integer !== undefined) },
    sizes: { CHUNK: chunk, CHUNKS: chunks },
    bindings: (needed ? { xSums: { buffer: sums, type: 'vec2f' } } : {}) as DispatchSpec['bindings'],
  };
}
