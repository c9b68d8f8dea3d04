import { type Blocked, type ElementType, isStream, type Stored, type TensorBytes } from '@lowbit/core';
import { addPerField, bitPositions, type Extents } from '@lowbit/numerics';
import { sourceOf, type TensorSource } from './tensor-source.ts';

/** A stored tensor with its layout worked out: the code of row r and column c begins at bit `rows[r] + columns[c]`. */
export interface TablePlan {
  readonly source: TensorSource;
  readonly type: ElementType;
  readonly rows: Float64Array;
  readonly columns: Float64Array;
  /** Added to each code, modulo 2^bits. */
  readonly add?: number;
  /** Added to all fields of each word at once. */
  readonly carry?: { readonly word: number; readonly value: number };
  /** Words of one stream lie `inner` words apart; the positions count as if they were neighbours. */
  readonly stream?: {
    readonly word: number;
    readonly outer: number;
    readonly words: number;
    readonly inner: number;
  };
}

/** A table with one number per block of the weight. */
export interface BlockTablePlan extends TablePlan {
  readonly blockRows: number;
  readonly blockColumns: number;
  readonly indexed?: boolean;
  readonly divide?: boolean;
  readonly afterwards?: boolean;
}

/** @throws LayoutError where layout, tensor and size do not fit */
export async function planTable(
  stored: Stored,
  outFeatures: number,
  inFeatures: number,
  bytes: TensorBytes,
): Promise<TablePlan> {
  const extents: Extents = [
    ['out', outFeatures],
    ['in', inFeatures],
  ];
  const { rows, columns } = bitPositions(stored, extents);
  const { packed, add } = stored.layout;
  const perField = addPerField(stored.layout);
  return {
    source: await sourceOf(stored.ref, bytes),
    type: stored.type,
    rows,
    columns,
    ...(perField === 0 ? {} : { add: perField }),
    ...(packed && add?.carry === 'word' ? { carry: { word: packed.word, value: add.value } } : {}),
    ...streamOf(stored),
  };
}

/** @param groups number of columns of an indexed table */
export async function planBlockTable(
  table: Blocked & { readonly divide?: true; readonly afterwards?: true },
  outFeatures: number,
  inFeatures: number,
  groups: number,
  bytes: TensorBytes,
): Promise<BlockTablePlan> {
  const [blockRows, blockColumns] = table.block;
  const { indexed = false, divide = false, afterwards = false } = table;
  const columns = indexed ? groups : Math.ceil(inFeatures / blockColumns);
  const plan = await planTable(table, Math.ceil(outFeatures / blockRows), columns, bytes);
  return { ...plan, blockRows, blockColumns, indexed, divide, afterwards };
}

function streamOf({ ref, layout: { packed } }: Stored): Pick<TablePlan, 'stream'> {
  if (!packed || !isStream(packed) || packed.stream === ref.shape.length - 1) return {};
  const size = (sizes: readonly number[]) => sizes.reduce((product, one) => product * one, 1);
  const { stream, word } = packed;
  const outer = size(ref.shape.slice(0, stream));
  return { stream: { word, outer, words: ref.shape[stream]!, inner: size(ref.shape.slice(stream + 1)) } };
}
