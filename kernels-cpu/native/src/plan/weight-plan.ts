import { type QuantizedWeight, type Stored, type TensorBytes, TensorError } from '@lowbit/core';
import { type BlockTablePlan, planBlockTable, planTable, type TablePlan } from './table-plan.ts';
import { readIntegers } from './tensor-source.ts';
import type { WeightForm } from './weight-form.ts';

/** A described weight with every table's place worked out, and the form that it is to be kept in. */
export type WeightPlan = WeightForm & {
  readonly outFeatures: number;
  readonly inFeatures: number;
  readonly codes: TablePlan;
  readonly scales: readonly BlockTablePlan[];
  readonly zero?: BlockTablePlan;
  readonly shift?: BlockTablePlan;
  readonly groupIndex?: Int32Array;
};

/** @throws LayoutError or TensorError where a table does not fit the weight */
export async function planWeight(weight: QuantizedWeight, form: WeightForm, bytes: TensorBytes): Promise<WeightPlan> {
  const { outFeatures, inFeatures, scales, zero, shift } = weight;
  const groupIndex = weight.groupIndex && (await readGroupIndex(weight.groupIndex, inFeatures, bytes));
  const groups = groupIndex ? groupIndex.reduce((most, group) => Math.max(most, group), -1) + 1 : 0;
  const plan = (table: QuantizedWeight['scales'][number]) =>
    planBlockTable(table, outFeatures, inFeatures, groups, bytes);
  return {
    ...form,
    outFeatures,
    inFeatures,
    codes: await planTable(weight.codes, outFeatures, inFeatures, bytes),
    scales: await Promise.all(scales.map(plan)),
    ...(zero ? { zero: await plan(zero) } : {}),
    ...(shift ? { shift: await plan(shift) } : {}),
    ...(groupIndex ? { groupIndex } : {}),
  };
}

/** Codes with one stored factor per output and nothing else: the weight of integer execution. */
export async function planCodes(
  weight: QuantizedWeight,
  form: WeightForm,
  factors: Float32Array,
  bytes: TensorBytes,
): Promise<WeightPlan> {
  const { outFeatures, inFeatures, codes } = weight;
  const factor: BlockTablePlan = {
    source: { bytes: new Uint8Array(factors.buffer, factors.byteOffset, factors.byteLength) },
    type: 'f32',
    rows: Float64Array.from(factors, (_, row) => 32 * row),
    columns: Float64Array.of(0),
    blockRows: 1,
    blockColumns: inFeatures,
  };
  const table = await planTable(codes, outFeatures, inFeatures, bytes);
  return { ...form, outFeatures, inFeatures, codes: table, scales: [factor] };
}

async function readGroupIndex(stored: Stored, inFeatures: number, bytes: TensorBytes): Promise<Int32Array> {
  const groups = await readIntegers(stored, bytes, [['in', inFeatures]]);
  const negative = groups.find((group) => group < 0);
  if (negative === undefined) return groups;
  throw new TensorError({
    code: 'TENSOR_DATA',
    tensor: stored.ref.name,
    expected: 'group numbers from 0 on',
    actual: `group ${negative}`,
  });
}
