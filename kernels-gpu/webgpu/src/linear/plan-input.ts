/// <reference types="@webgpu/types" />
import {
  type ActivationQuantization,
  bitsOf,
  executionsOf,
  isFloat,
  type LinearDescription,
  type Numerics,
} from '@lowbit/core';
import type { Counts } from '../gpu/dispatch.ts';
import { splitRows } from '../gpu/split-rows.ts';
import floats from '../numbers/floats.wgsl';
import type { Plan } from '../run/plan.ts';
import { hasSlices, sliceColumns, type WeightForm, weightForm } from '../weights/weight-form.ts';
import { activationConstants, activationFunctions } from './activation-constants.ts';
import type { DeviceExecution, DeviceLinear } from './device-linear.ts';
import { dotBytes } from './dot-bytes.ts';
import { isFew, type LinearUse, rowShader } from './linear-use.ts';
import quantizeActivations from './quantize-activations.wgsl';
import sumBytes from './sum-bytes.wgsl';

/** What is multiplied, `shared` rows of y to one of its rows. */
export type Input = FloatInput | ByteInput;

interface FloatInput {
  readonly kind: 'floats';
  /** f32 `[rows, inFeatures]` */
  readonly x: GPUBuffer;
  readonly shared: number;
}

export interface ByteInput {
  readonly kind: 'bytes';
  /** Signed bytes, rows of whole slices. */
  readonly x: GPUBuffer;
  readonly shared: number;
  /** f32 `[rows, groups]` */
  readonly scales: GPUBuffer;
  readonly groups: number;
  readonly groupFeatures: number;
  /** Scale and sum of the codes of each chunk, `[rows, chunks, 2]` f32; only for many rows. */
  readonly sums: GPUBuffer;
  readonly chunk: number;
  readonly chunks: number;
}

/** What few and many rows of a linear multiply. */
export interface Inputs {
  readonly few: Input;
  readonly many: Input;
}

/** Quantizes the rows of x as the execution says, or as fast numerics do. */
export function planInputs(plan: Plan, linear: DeviceLinear, execution: DeviceExecution, use: LinearUse): Inputs {
  const { form, inFeatures } = linear.weight;
  const { activations, integer } = execution;
  const untouched: Input = { kind: 'floats', x: use.x, shared: use.shared ?? 1 };
  if (activations) {
    const { rule, constants } = activations;
    const fits = fitsBytes(rule, form, inFeatures);
    if (integer && !fits) {
      const x = quantize(plan, linear, rule, constants, use, 'CODES').quantized;
      return both({ kind: 'floats', x, shared: 1 });
    }
    if (fits) return both(planBytes(plan, linear, rule, constants, use, integer !== undefined));
    const x = quantize(plan, linear, rule, constants, use, 'VALUES').quantized;
    return both({ kind: 'floats', x, shared: 1 });
  }
  if (!roundsToBytes(form, inFeatures, linear.numerics)) return both(untouched);
  // One row of x, whatever experts it goes to.
  const { experts: _, slots = 1, shared = 1, ...rest } = use;
  const source = { ...rest, slots: slots / shared };
  const rule = ownRule(form, inFeatures);
  const none = plan.buffer('no constants', 16);
  const bytes = planBytes(
    plan,
    { ...linear, weight: { ...linear.weight, matrices: 1 } },
    rule,
    none,
    source,
    false,
    true,
  );
  return { few: untouched, many: { ...bytes, shared } };
}

function both(input: Input): Inputs {
  return { few: input, many: input };
}

/** What numerics round that no scheme says, in words. */
export function ownRounding(description: LinearDescription, numerics: Numerics): string | undefined {
  const { inFeatures } = description.weight;
  const form = weightForm(description.weight);
  if (!hasSlices(form, inFeatures) || !roundsToPlanes(form, numerics)) return undefined;
  const rules = executionsOf(description).map(({ activations }) => activations);
  const untouched = rules.includes(undefined);
  if (!untouched && rules.every((rule) => rule && fitsBytes(rule, form, inFeatures))) return undefined;
  const few = 'activations rounded to 16 bits per token and 32 features';
  if (!untouched || !multipliesBytes(form, inFeatures)) return few;
  return `${few}, of many rows at once to 8 bits per token and ${chunkOf(form, inFeatures)} features`;
}

function fitsBytes(rule: ActivationQuantization, form: WeightForm, inFeatures: number): boolean {
  return isOfSignedBytes(rule) && multipliesBytes(form, inFeatures) && dividesSlices(rule, inFeatures);
}

/** Whether x of few rows is rounded to 16 bits, which makes products of integers of codes that are small ones. */
export function roundsToPlanes({ code }: WeightForm, numerics: Numerics): boolean {
  return numerics === 'fast' && code.integers;
}

/** Whether many rows times such a weight are rounded to bytes, which no scheme says. */
function roundsToBytes(form: WeightForm, inFeatures: number, numerics: Numerics): boolean {
  return numerics === 'fast' && multipliesBytes(form, inFeatures);
}

/** Small integers, whose scale and zero point whole slices share. */
function multipliesBytes({ code, groupSize, indexed, shifted }: WeightForm, inFeatures: number): boolean {
  return code.integers && !indexed && !shifted && (groupSize >= inFeatures || groupSize % sliceColumns === 0);
}

function isOfSignedBytes({ type, scale }: ActivationQuantization): boolean {
  const centered = scale.kind === 'dynamic' ? scale.symmetric : scale.zero === undefined;
  return type.startsWith('i') && bitsOf(type) <= 8 && centered;
}

function dividesSlices({ granularity }: ActivationQuantization, inFeatures: number): boolean {
  return granularity.kind !== 'group' || granularity.size >= inFeatures || granularity.size % sliceColumns === 0;
}

function ownRule(form: WeightForm, inFeatures: number): ActivationQuantization {
  return {
    type: 'i8',
    granularity: { kind: 'group', size: chunkOf(form, inFeatures) },
    scale: { kind: 'dynamic', symmetric: true, divisor: 127 },
    rounding: 'half-even',
    reciprocal: true,
  };
}

/** Columns that integer sums of a tile cover: within one group of the weight, and of x. */
function chunkOf({ groupSize }: WeightForm, inFeatures: number, ofX = inFeatures): number {
  const divides = (size: number) => [groupSize, ofX].every((group) => group >= inFeatures || group % size === 0);
  return [128, 64].find(divides) ?? sliceColumns;
}

function planBytes(
  plan: Plan,
  linear: DeviceLinear,
  rule: ActivationQuantization,
  constants: GPUBuffer,
  use: LinearUse,
  integer: boolean,
  manyOnly = false,
): ByteInput {
  const { form, inFeatures } = linear.weight;
  const { sizes } = activationConstants(rule, inFeatures);
  const { GROUP_FEATURES: groupFeatures, NUM_GROUPS: groups } = sizes;
  const capacity = plan.rows.capacity * (use.slots ?? 1);
  const { quantized: x, scales } = quantize(plan, linear, rule, constants, use, 'BYTES', manyOnly);
  const slices = Math.ceil(inFeatures / sliceColumns);
  // Integer sums go through to the end of a row.
  const chunk = integer ? sliceColumns * slices : chunkOf(form, inFeatures, groupFeatures);
  const chunks = Math.ceil(inFeatures / chunk);
  const sums = plan.buffer(`sums of bytes of ${inFeatures}`, 8 * capacity * chunks);
  const rows = rowShader(plan, use, undefined);
  plan.add({
    label: 'sum bytes',
    source: [rows.source, dotBytes(plan.device), sumBytes].join('\n'),
    sizes: {
      ...rows.sizes,
      CHUNK: chunk,
      CHUNKS: chunks,
      SLICES: slices,
      NUM_GROUPS: groups,
      GROUP_FEATURES: groupFeatures,
    },
    bindings: {
      ...rows.bindings,
      bytes: { buffer: x, type: 'u32' },
      scales: { buffer: scales, type: 'f32' },
      sums: { buffer: sums, type: 'vec2f', access: 'write' },
    },
    workgroups: (counts) =>
      isFew(plan.device, counts, use) ? [0] : [Math.ceil(chunks / 64), ...splitRows(rows.count(counts))],
  });
  return { kind: 'bytes', x, shared: 1, scales, groups, groupFeatures, sums, chunk, chunks };
}

/** Quantizes each row of x; rows of one x are quantized apart only where experts have constants of their own. */
function quantize(
  plan: Plan,
  { weight }: DeviceLinear,
  rule: ActivationQuantization,
  constants: GPUBuffer,
  use: LinearUse,
  output: 'VALUES' | 'CODES' | 'BYTES',
  manyOnly = false,
) {
  const { slots = 1, shared = 1 } = use;
  const { inFeatures, matrices } = weight;
  const numbers = activationConstants(rule, inFeatures);
  const capacity = plan.rows.capacity * slots;
  const rowWords = output === 'BYTES' ? (Math.ceil(inFeatures / sliceColumns) * sliceColumns) / 4 : inFeatures;
  // What fills up the last slice stays zero: rows of other lengths are elsewhere.
  const quantized = plan.buffer(`activations of ${inFeatures} as ${output}`, 4 * capacity * rowWords);
  const scales = plan.buffer('scales of activations', 4 * capacity * numbers.sizes.NUM_GROUPS);
  const rows = rowShader(plan, use, undefined);
  const inBytes = output === 'BYTES';
  const storeScale = `fn storeScale(place: u32, scale: f32) { ${inBytes ? 'scales[place] = scale;' : ''} }`;
  plan.add({
    label: 'quantize activations',
    source: [floats, activationFunctions(rule), storeScale, rows.source, quantizeActivations].join('\n'),
    constants: {
      ...numbers.constants,
      THREADS: numbers.sizes.GROUP_FEATURES > 1024 ? 256 : 64,
      INTEGERS: Number(!isFloat(rule.type)),
      OUTPUT: ['VALUES', 'CODES', 'BYTES'].indexOf(output),
    },
    sizes: { ...numbers.sizes, ...rows.sizes, SHARED: shared, MATRICES: matrices, ROW_WORDS: rowWords },
    factors: numbers.factors,
    bindings: {
      ...rows.bindings,
      x: { buffer: use.x, type: 'f32' },
      constants: { buffer: constants, type: 'f32' },
      quantized: { buffer: quantized, type: 'u32', access: 'write' },
      ...(inBytes ? { scales: { buffer: scales, type: 'f32', access: 'write' as const } } : {}),
    },
    workgroups: (counts: Counts) =>
      manyOnly && isFew(plan.device, counts, use) ? [0] : [numbers.sizes.NUM_GROUPS, ...splitRows(rows.count(counts))],
  });
  return { quantized, scales };
}
