import { bitsOf, LayoutError, type QuantizedWeight, type Refusal } from '@lowbit/core';
import { type CodeForm, codeForm } from '../load/code-form.ts';
import { movesOnDevice } from '../load/repack.ts';

/** How a weight is kept on the device: packed codes, and one f32 of each kind per row and group. */
export interface WeightForm {
  readonly code: CodeForm;
  readonly rowWords: number;
  readonly scaled: boolean;
  /** Zero points are kept; without them `code.offset` is subtracted from every code. */
  readonly zeros: boolean;
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
    // Shaders read four words at once.
    rowWords: 4 * Math.ceil((inFeatures * code.bits) / 128),
    scaled: scales.length > 0,
    zeros: zero !== undefined,
    shifted: shift !== undefined,
    groupSize: narrower.map(({ block }) => block[1]).reduce(greatestCommonDivisor, 0) || inFeatures,
    indexed: narrower.some(({ indexed }) => indexed),
  };
}

/** Whether the numbers of a group cover whole slices of 32 columns, of integer codes: multiply-slices.wgsl. */
export function hasSlices({ code, groupSize, indexed, shifted }: WeightForm, inFeatures: number): boolean {
  const integers = code.integers && (code.bits === 4 || code.bits === 8);
  return integers && !indexed && !shifted && inFeatures % 32 === 0 && (groupSize >= inFeatures || groupSize % 32 === 0);
}

/** Words of one row: its codes, and its numbers in each table. */
export function rowWords({ rowWords: codes, scaled, zeros, shifted }: WeightForm, groups: number) {
  return { codes, tables: groups * [scaled, zeros, shifted].filter(Boolean).length };
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
