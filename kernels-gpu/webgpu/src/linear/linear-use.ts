/// <reference types="@webgpu/types" />
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import type { Counts, DispatchSpec } from '../gpu/dispatch.ts';
import type { Plan } from '../run/plan.ts';
import { phaseNumbers } from '../run/row-buffers.ts';
import type { WeightPart } from '../weights/device-weight.ts';
import type { DeviceExecution, DeviceLinear } from './device-linear.ts';
import rowsSource from './rows.wgsl';
import type { SortedRows } from './tiles.ts';

/** Whether weights are read for few rows at a time, instead of in tiles, which pay when they are full. */
export function isFew(
  device: WebgpuDevice,
  { rows, logitRows }: Counts,
  { logits = false, sorted }: Pick<LinearUse, 'logits' | 'sorted'>,
): boolean {
  // Few rows of experts go one by one.
  const most = sorted || device.software ? 8 : 32;
  return (logits ? logitRows : rows) <= most;
}

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
  /** The same rows by matrix; without them many rows of several matrices are multiplied one by one. */
  readonly sorted?: SortedRows;
  /** As wide as y and of as many rows: added to what is written, `y = addend + x W`. May be the one y itself. */
  readonly addend?: GPUBuffer;
}

/** The functions that say which rows there are: `rowCount`, `inPhase`, `matrixOf`. */
export function rowShader(
  { rows }: Plan,
  { logits = false, slots = 1, experts }: LinearUse,
  phase: DeviceExecution['phase'],
) {
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
export function outputShader({ widths }: DeviceLinear, { y, addend }: LinearUse) {
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
export function outputsOf({ matrices, outFeatures }: DeviceLinear['weight'], { firstRow, rows }: WeightPart) {
  return matrices === 1 ? ([firstRow, rows] as const) : ([0, outFeatures] as const);
}

/** The function `biasOf`, of a place in `[matrices, outFeatures]`. */
export function biasShader({ bias }: DeviceLinear, { tables }: WeightPart) {
  return {
    source: `fn biasOf(place: u32) -> f32 {
  if BIASED == 0 { return 0.0; }
  return bitcast<f32>(bias[place]);
}`,
    sizes: { BIASED: Number(bias !== undefined) },
    // Any buffer will do where there is none: one shader serves both.
    bindings: { bias: { buffer: bias ?? tables, type: 'u32' } } satisfies DispatchSpec['bindings'],
  };
}
