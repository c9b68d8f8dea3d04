import {
  type Blocked,
  LayoutError,
  type QuantizedWeight,
  type Stored,
  TensorError,
  type TensorRef,
} from '@lowbit/core';
import { capacityAlong } from './bit-positions.ts';
import { decodeCodes, decodeStored } from './decode-stored.ts';

/** Gives the bytes of a tensor that was read before. */
export type ReadTensor = (ref: TensorRef) => Uint8Array;

/**
 * The weight as `[out, in]` row-major f32, by the formula of `QuantizedWeight`, every operation rounded to f32:
 *
 * ```
 * ((code - zero) * (scale_0 * scale_1 * ...)) + shift
 * ```
 *
 * A scale that divides, divides what stands left of it, 1 if it is the first. One marked `afterwards` starts a new product:
 * `(code - zero) * (scale_0 * ...) * (scale_k * ...)`.
 * @throws TensorError TENSOR_DATA for bytes that are not the tensor's, and for a group index outside the tables
 * @throws LayoutError where a table does not reach as far as the weight, or is indexed without an index
 */
export function dequantizeWeight(weight: QuantizedWeight, read: ReadTensor): Float32Array {
  const { outFeatures, inFeatures, codes, scales, zero, shift } = weight;
  const values = decodeStored(codes, read(codes.ref), [
    ['out', outFeatures],
    ['in', inFeatures],
  ]);
  const groupIndex = weight.groupIndex && readGroupIndex(weight.groupIndex, inFeatures, read);
  const expand = (table: Blocked) => rowReader(table, weight, groupIndex, read);
  const readZero = zero && expand(zero);
  const readShift = shift && expand(shift);
  const readScales = scales.map((scale) => ({
    readRow: expand(scale),
    divide: scale.divide,
    afterwards: scale.afterwards,
  }));

  // Stores into Float32Array round: each line below is one f32 operation, as Math.fround would make it.
  const row = new Float32Array(inFeatures);
  const factor = new Float32Array(inFeatures);
  for (let o = 0; o < outFeatures; o += 1) {
    const target = values.subarray(o * inFeatures, (o + 1) * inFeatures);
    if (readZero) {
      readZero(o, row);
      for (let i = 0; i < inFeatures; i += 1) target[i] = target[i]! - row[i]!;
    }
    if (readScales.length > 0) {
      factor.fill(1);
      for (const [index, { readRow, divide, afterwards }] of readScales.entries()) {
        if (afterwards && index > 0) {
          for (let i = 0; i < inFeatures; i += 1) target[i] = target[i]! * factor[i]!;
          factor.fill(1);
        }
        readRow(o, row);
        if (divide) for (let i = 0; i < inFeatures; i += 1) factor[i] = factor[i]! / row[i]!;
        else for (let i = 0; i < inFeatures; i += 1) factor[i] = factor[i]! * row[i]!;
      }
      for (let i = 0; i < inFeatures; i += 1) target[i] = target[i]! * factor[i]!;
    }
    if (readShift) {
      readShift(o, row);
      for (let i = 0; i < inFeatures; i += 1) target[i] = target[i]! + row[i]!;
    }
  }
  return values;
}

/** Spreads row o of a blocked table over the input features. */
function rowReader(
  table: Blocked,
  { outFeatures, inFeatures }: QuantizedWeight,
  groupIndex: GroupIndex | undefined,
  read: ReadTensor,
): (o: number, target: Float32Array) => void {
  const [rows, cols] = table.block;
  if (table.indexed && !groupIndex) {
    throw new LayoutError(`${table.ref.name}: marked indexed, but the weight has no group index`);
  }
  const indexed = table.indexed ? groupIndex : undefined;
  const numGroups = indexed ? indexed.numGroups : Math.ceil(inFeatures / cols);
  if (indexed) checkGroups(indexed, table);
  const values = decodeStored(table, read(table.ref), [
    ['out', Math.ceil(outFeatures / rows)],
    ['in', numGroups],
  ]);
  const groups = indexed?.groups ?? Int32Array.from({ length: inFeatures }, (_, i) => Math.floor(i / cols));
  return (o, target) => {
    const start = Math.floor(o / rows) * numGroups;
    for (let i = 0; i < target.length; i += 1) target[i] = values[start + groups[i]!]!;
  };
}

/** Group of each input feature, and one past the largest. */
interface GroupIndex {
  readonly tensor: string;
  readonly groups: Int32Array;
  readonly numGroups: number;
}

function readGroupIndex(stored: Stored, inFeatures: number, read: ReadTensor): GroupIndex {
  const groups = decodeCodes(stored, read(stored.ref), [['in', inFeatures]]);
  let numGroups = 0;
  for (const group of groups) {
    if (group < 0) throw groupOutside(stored.ref.name, 'group numbers from 0 on', group);
    numGroups = Math.max(numGroups, group + 1);
  }
  return { tensor: stored.ref.name, groups, numGroups };
}

function checkGroups({ tensor, numGroups }: GroupIndex, table: Stored): void {
  const capacity = capacityAlong(table, 'in');
  if (numGroups > capacity) {
    throw groupOutside(tensor, `group numbers below ${capacity}, the groups of ${table.ref.name}`, numGroups - 1);
  }
}

function groupOutside(tensor: string, expected: string, group: number): TensorError {
  return new TensorError({ code: 'TENSOR_DATA', tensor, expected, actual: `group ${group}` });
}
