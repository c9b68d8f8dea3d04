import type { DispatchSpec } from '../gpu/dispatch.ts';
import type { WeightPart } from '../weights/device-weight.ts';
import { vectorType } from '../weights/slice-codes.ts';
import type { DeviceExecution, DeviceLinear } from './device-linear.ts';
import { biasShader } from './linear-use.ts';
import type { Input } from './plan-input.ts';

/** How multiply-slices.wgsl, multiply-tiles.wgsl and multiply-byte-tiles.wgsl read x: `xFour`, `xBytes`, `xScaleAt`. */
export function inputShader(input: Input, inFeatures: number) {
  const aligned = inFeatures % 4 === 0;
  const four = aligned
    ? 'return x[(row * IN_FEATURES + column) / 4];'
    : `var four = vec4f();
  for (var i = 0u; i < 4; i++) {
    if column + i < IN_FEATURES { four[i] = x[row * IN_FEATURES + column + i]; }
  }
  return four;`;
  const ofFloats = `
fn xFour(row: u32, column: u32) -> vec4f {
  if column >= IN_FEATURES { return vec4f(); }
  ${four}
}
fn xBytes(row: u32, vector: u32) -> vec4u { return vec4u(); }
fn xScaleAt(row: u32, column: u32) -> f32 { return 1.0; }`;
  const ofBytes = `
fn xFour(row: u32, column: u32) -> vec4f { return vec4f(); }
fn xBytes(row: u32, vector: u32) -> vec4u { return x[row * 2 * SLICES + vector]; }`;
  return {
    source: input.kind === 'floats' ? ofFloats : ofBytes,
    sizes: { SHARED: input.shared },
    bindings: {
      x: { buffer: input.x, type: input.kind === 'bytes' ? 'vec4u' : aligned ? 'vec4f' : 'f32' },
    } satisfies DispatchSpec['bindings'],
  };
}

/** Codes as weights/slice-codes.ts reads them. */
export function codesBinding({ weight }: DeviceLinear, { codes }: WeightPart) {
  return { codes: { buffer: codes, type: vectorType(weight.form.code.bits) } } satisfies DispatchSpec['bindings'];
}

/** What becomes of a sum of f32 or, of integers to the end, of i32: the function `finished`, and the type `Sum`. */
export function sumShader(linear: DeviceLinear, { integer }: DeviceExecution, part: WeightPart) {
  if (!integer) {
    const { source, sizes, bindings } = biasShader(linear, part);
    const finished = 'fn finished(sum: f32, place: u32) -> f32 { return sum + biasOf(place); }';
    return { source: `${source}\nalias Sum = f32;\n${finished}`, sizes, bindings };
  }
  return {
    source: `alias Sum = i32;
fn finished(sum: i32, place: u32) -> f32 { return f32(sum + accumulatorBias[place]) * outputScale[place]; }`,
    sizes: {},
    bindings: {
      accumulatorBias: { buffer: integer.accumulatorBias, type: 'i32' },
      outputScale: { buffer: integer.outputScale, type: 'f32' },
    } satisfies DispatchSpec['bindings'],
  };
}
