/// <reference types="@webgpu/types" />
import type { Counts, DispatchSpec } from '../gpu/dispatch.ts';
import { splitRows } from '../gpu/split-rows.ts';
import { unroll } from '../gpu/unroll.ts';
import floats from '../numbers/floats.wgsl';
import type { Plan } from '../run/plan.ts';
import { phaseNumbers } from '../run/row-buffers.ts';
import type { WeightPart } from '../weights/device-weight.ts';
import weightAt from '../weights/weight-at.wgsl';
import { hasSlices } from '../weights/weight-form.ts';
import { weightShader } from '../weights/weight-shader.ts';
import { activationConstants, activationFunctions } from './activation-constants.ts';
import type { DeviceExecution, DeviceLinear } from './device-linear.ts';
import { dotBytes } from './dot-bytes.ts';
import multiplyIntegers from './multiply-integers.wgsl';
import multiplyRows from './multiply-rows.wgsl';
import multiplySlices from './multiply-slices.wgsl';
import multiplyTiles from './multiply-tiles.wgsl';
import quantizeActivations from './quantize-activations.wgsl';
import rowsSource from './rows.wgsl';

/** Which rows a linear runs, and what on. */
export interface LinearUse {
  readonly x: GPUBuffer;
  /** One for each linear that is part. */
  readonly y: readonly GPUBuffer[];
  /** Rows whose logits are wanted instead of all. */
  readonly logits?: boolean;
  /** Rows of y for each row of the batch, and how many of them share a row of x. Default 1. */
  readonly slots?: number;
  readonly shared?: number;
  /** The matrix of each row of y; needed where there are several. */
  readonly experts?: GPUBuffer;
  /** As wide as y and of as many rows: added to what is written, `y = addend + x W`. May be the one y itself. */
  readonly addend?: GPUBuffer;
}

/** Up to so many rows, weights are read once for each; beyond, in tiles. */
const mostSingleRows = 8;

export function planLinear(plan: Plan, linear: DeviceLinear, use: LinearUse): void {
  for (const execution of linear.executions) {
    const quantized = execution.activations ? planActivations(plan, linear, execution, use) : undefined;
    for (const part of linear.weight.parts) {
      const from = quantized ?? { x: use.x, shared: use.shared ?? 1 };
      if (execution.integer) planIntegers(plan, linear, execution, part, use, from);
      else planFloats(plan, linear, execution, part, use, from);
    }
  }
}

const biasOf = `
fn biasOf(place: u32) -> f32 {
  if BIASED == 0 { return 0.0; }
  return bitcast<f32>(bias[place]);
}`;

interface Source {
  readonly x: GPUBuffer;
  readonly shared: number;
}

function planFloats(
  plan: Plan,
  linear: DeviceLinear,
  { phase }: DeviceExecution,
  part: WeightPart,
  use: LinearUse,
  { x, shared }: Source,
): void {
  const { weight, bias } = linear;
  const shader = weightShader(weight, part);
  const rows = rowShader(plan, use, phase);
  const outputs = outputShader(linear, use);
  const common = {
    bindings: {
      ...shader.bindings,
      ...rows.bindings,
      x: { buffer: x, type: 'f32' },
      ...outputs.bindings,
      // Any buffer will do where there is none: one shader serves both.
      bias: { buffer: bias ?? part.tables, type: 'u32' },
    },
    constants: shader.constants,
    sizes: { ...shader.sizes, ...rows.sizes, ...outputs.sizes, SHARED: shared, BIASED: Number(bias !== undefined) },
    factors: shader.factors,
  } satisfies Pick<DispatchSpec, 'bindings' | 'constants' | 'sizes' | 'factors'>;
  const source = [shader.source, rows.source, outputs.source, biasOf];
  const [outStart, outCount] = outputsOf(weight, part);
  const tiled = weight.matrices === 1;
  const single = (count: number) => !tiled || count <= mostSingleRows;
  if (hasSlices(weight.form, weight.inFeatures)) {
    const threads = Math.min(256, 32 * Math.ceil(weight.inFeatures / 1024));
    // More rows for each workgroup save reading x; fewer keep a small matrix on the whole device.
    const ownSlices = Math.ceil(weight.inFeatures / 32 / threads);
    const blocks = outCount * weight.inFeatures >= 2 ** 24 ? 4 : 1;
    plan.add({
      label: 'multiply slices',
      source: [...source, dotBytes(plan.device), unroll(multiplySlices, { OWN_SLICES: ownSlices })].join('\n'),
      constants: {
        ...common.constants,
        THREADS: threads,
        PLANES: Number(linear.numerics === 'fast'),
      },
      sizes: { ...common.sizes, OUT_START: outStart, BLOCKS: blocks },
      factors: common.factors,
      bindings: {
        ...common.bindings,
        codes: { buffer: part.codes, type: 'vec4u' },
        x: { buffer: x, type: 'vec4f' },
      },
      workgroups(counts) {
        const count = rows.count(counts);
        return single(count) ? [Math.ceil(outCount / (8 * blocks)), ...splitRows(count)] : [0];
      },
    });
  } else {
    plan.add({
      label: 'multiply rows',
      ...common,
      source: [...source, multiplyRows].join('\n'),
      sizes: { ...common.sizes, OUT_START: outStart },
      workgroups(counts) {
        const count = rows.count(counts);
        return single(count) ? [Math.ceil(outCount / 4), ...splitRows(count)] : [0];
      },
    });
  }
  if (!tiled) return;
  plan.add({
    label: 'multiply tiles',
    ...common,
    source: [...source, weightAt, multiplyTiles].join('\n'),
    workgroups(counts) {
      const count = rows.count(counts);
      return count > mostSingleRows ? [Math.ceil(part.rows / 64), Math.ceil(count / 64)] : [0];
    },
  });
}

function planIntegers(
  plan: Plan,
  linear: DeviceLinear,
  { phase, integer }: DeviceExecution,
  part: WeightPart,
  use: LinearUse,
  { x, shared }: Source,
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

/** Quantizes each row of x; rows of one x are quantized apart only where experts have constants of their own. */
function planActivations(
  plan: Plan,
  { weight }: DeviceLinear,
  { activations, integer }: DeviceExecution,
  use: LinearUse,
): Source {
  const { rule, constants } = activations!;
  const { slots = 1, shared = 1 } = use;
  const numbers = activationConstants(rule, weight.inFeatures);
  const x = plan.buffer('quantized activations', 4 * plan.rows.capacity * slots * weight.inFeatures);
  const rows = rowShader(plan, use, undefined);
  plan.add({
    label: 'quantize activations',
    source: [floats, activationFunctions(rule), rows.source, quantizeActivations].join('\n'),
    constants: { ...numbers.constants, CODES: Number(integer !== undefined) },
    sizes: { ...numbers.sizes, ...rows.sizes, SHARED: shared, MATRICES: weight.matrices },
    factors: numbers.factors,
    bindings: {
      ...rows.bindings,
      x: { buffer: use.x, type: 'f32' },
      constants: { buffer: constants, type: 'f32' },
      quantized: { buffer: x, type: 'u32', access: 'write' },
    },
    workgroups: (counts) => [numbers.sizes.NUM_GROUPS, ...splitRows(rows.count(counts))],
  });
  return { x, shared: 1 };
}

/** The functions that say which rows there are: `rowCount`, `inPhase`, `matrixOf`. */
function rowShader({ rows }: Plan, { logits = false, slots = 1, experts }: LinearUse, phase: DeviceExecution['phase']) {
  const inPhase = phase === undefined ? 'true' : `phases[row] == ${phaseNumbers[phase]}`;
  return {
    source: [
      rowsSource,
      `fn inPhase(row: u32) -> bool { return ${inPhase}; }`,
      `fn matrixOf(row: u32) -> u32 { return ${experts ? 'experts[row]' : '0'}; }`,
    ].join('\n'),
    sizes: { LOGITS: Number(logits), SLOTS: slots },
    bindings: {
      counts: { buffer: rows.counts, type: 'vec4u', access: 'uniform' },
      ...(phase === undefined ? {} : { phases: { buffer: logits ? rows.logitPhases : rows.phases, type: 'u32' } }),
      ...(experts ? { experts: { buffer: experts, type: 'u32' } } : {}),
    } satisfies DispatchSpec['bindings'],
    count: ({ rows: all, logitRows }: Counts) => (logits ? logitRows : all) * slots,
  };
}

/** The function `store`, which finds the value of an output among those of the linears that are parts. */
function outputShader({ widths }: DeviceLinear, { y, addend }: LinearUse) {
  let end = 0;
  const lines = widths.map((width, index) => {
    const start = end;
    end += width;
    const place = `row * WIDTH${index} + out - START${index}`;
    const line = `y${index}[${place}] = value${addend ? ` + addend[${place}]` : ''};`;
    return { start, line: index === widths.length - 1 ? line : `if out < START${index + 1} { ${line} return; }` };
  });
  const numbered = <Entry>(entries: readonly (readonly [name: string, entry: Entry])[]) => Object.fromEntries(entries);
  return {
    source: `fn store(row: u32, out: u32, value: f32) {\n${lines.map(({ line }) => line).join('\n')}\n}`,
    sizes: {
      ...numbered(widths.map((width, index) => [`WIDTH${index}`, width] as const)),
      ...numbered(lines.map(({ start }, index) => [`START${index}`, start] as const)),
    },
    bindings: {
      ...numbered(y.map((buffer, index) => [`y${index}`, { buffer, type: 'f32', access: 'write' as const }] as const)),
      ...(addend ? { addend: { buffer: addend, type: 'f32' } } : {}),
    } satisfies DispatchSpec['bindings'],
  };
}

/** Outputs that a part holds of: its own rows of a single matrix, all of the matrices that it may cut. */
function outputsOf({ matrices, outFeatures }: DeviceLinear['weight'], { firstRow, rows }: WeightPart) {
  return matrices === 1 ? ([firstRow, rows] as const) : ([0, outFeatures] as const);
}
