import { bitsOf, isFloat, LayoutError, type QuantizedWeight, type Refusal } from '@lowbit/core';
import { type CodeForm, codeForm } from '../load/code-form.ts';
import { movesOnDevice } from '../load/repack.ts';

/** Columns that a thread takes at once; rows of codes are whole slices, the last filled up with zeros. */
export const sliceColumns = 32;

/** How the numbers of a table are kept; those of 16 bits are exactly what the checkpoint has, two in a word. */
export type NumberType = 'f32' | 'f16' | 'bf16';

/** How a weight is kept on the device: packed codes, and one number of each kind per row and group. */
export interface WeightForm {
  readonly code: CodeForm;
  readonly rowWords: number;
  /** Absent: all are 1. */
  readonly scaleType?: NumberType;
  /** Absent: `code.offset` is subtracted from every code. */
  readonly zeroType?: NumberType;
  /** Always f32. */
  readonly shifted: boolean;
  /** Columns that share a number; all of them at most. */
  readonly groupSize: number;
  /** The group of a column is looked up. */
  readonly indexed: boolean;
}

/** Why a weight cannot be kept; undefined where it can. */
export function refuseWeight(weight: QuantizedWeight, by: string): Refusal | undefined {
  const { codes, scales, zero, shift, inFeatures } = weight;
  if (bitsOf(codes.type) > 32) {
    return { by, code: 'CODE_TYPE', message: `weights as ${codes.type}, needs at most 32 bits` };
  }
  const carried = [codes, ...scales, zero, shift].find(
    (table) => table && !movesOnDevice(table) && bitsOf(table.type) < 64,
  );
  if (carried) return { by, code: 'CODE_LAYOUT', message: `${carried.ref.name}: sums that run through 64-bit words` };
  const tables = blockTables(weight).filter(({ block, indexed }) => indexed || block[1] < inFeatures);
  if (tables.some(({ indexed }) => indexed) && !tables.every(({ indexed }) => indexed)) {
    const sizes = tables.map(({ block, indexed }) => `${block[1]}${indexed ? ' by index' : ''}`).join(' and ');
    return { by, code: 'GROUPS', message: `groups of ${sizes} columns in one weight, needs all or none by index` };
  }
  return undefined;
}

export function weightForm(weight: QuantizedWeight): WeightForm {
  const { codes, scales, zero, shift, inFeatures } = weight;
  const code = codeForm(codes.type);
  const narrower = blockTables(weight).filter(({ block, indexed }) => indexed || block[1] < inFeatures);
  return {
    code,
    rowWords: code.bits * Math.ceil(inFeatures / sliceColumns),
    ...(scales.length > 0 ? { scaleType: scaleType(scales) } : {}),
    ...(zero ? { zeroType: isFloat(zero.type) || bitsOf(zero.type) > 8 ? 'f32' : 'f16' } : {}),
    shifted: shift !== undefined,
    groupSize: narrower.map(({ block }) => block[1]).reduce(greatestCommonDivisor, 0) || inFeatures,
    indexed: narrower.some(({ indexed }) => indexed),
  };
}

/** A product of several scales, or one that is divided by, is no number of 16 bits any more. */
function scaleType([scale, ...others]: QuantizedWeight['scales']): NumberType {
  if (others.length > 0 || !scale || scale.divide || !isFloat(scale.type)) return 'f32';
  if (scale.type === 'bf16' || scale.type === 'e8m0') return 'bf16';
  return bitsOf(scale.type) <= 16 ? 'f16' : 'f32';
}

/** Whether each half of a slice of 32 columns has one number of each table: linear/multiply-slices.wgsl. */
export function hasSlices({ groupSize, indexed }: WeightForm, inFeatures: number): boolean {
  return !indexed && (groupSize >= inFeatures || groupSize % (sliceColumns / 2) === 0);
}

/** Words of one row in a table. */
export function tableWords(type: NumberType, groups: number): number {
  return type === 'f32' ? groups : Math.ceil(groups / 2);
}

/** Words of one row: its codes, and its numbers in all tables. */
export function rowWords({ rowWords: codes, scaleType, zeroType, shifted }: WeightForm, groups: number) {
  const words = (type: NumberType | undefined) => (type ? tableWords(type, groups) : 0);
  return { codes, tables: words(scaleType) + words(zeroType) + (shifted ? groups : 0) };
}

/** Bytes that a weight takes, where no group index says otherwise. */
export function weightBytes(weight: QuantizedWeight): number {
  const form = weightForm(weight);
  const { codes, tables } = rowWords(form, Math.ceil(weight.inFeatures / form.groupSize));
  return 4 * (weight.outFeatures * (codes + tables) + (form.indexed ? weight.inFeatures : 0));
}

/** @throws LayoutError where weights that are to be kept as one differ in form */
export function commonForm(weights: readonly QuantizedWeight[], module: string): WeightForm {
  const forms = weights.map((weight) => JSON.stringify(weightForm(weight)));
  const different = forms.findIndex((form) => form !== forms[0]);
  if (different < 0) return weightForm(weights[0]!);
  throw new LayoutError(`${module}: expert ${different} is stored otherwise than expert 0`);
}

function blockTables({ scales, zero, shift }: QuantizedWeight) {
  return [...scales, ...(zero ? [zero] : []), ...(shift ? [shift] : [])];
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
