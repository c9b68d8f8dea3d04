import { bitsOf, type QuantizedWeight } from '@lowbit/core';
import type { PackedForm, WeightForm } from './weight-form.ts';

const blockRows = 32;
/** Groups above `largest` columns are cut into pieces of `piece`. */
const chunk = { largest: 256, piece: 128 };

/** Bytes that a weight takes in a form, as `packedBytes` of `cpp/linear` counts them. */
export function formBytes(weight: QuantizedWeight, form: WeightForm): number {
  const { outFeatures, inFeatures, codes } = weight;
  if (form.form === 'dense') return (outFeatures * inFeatures * bitsOf(codes.type)) / 8;
  if (form.form === 'decoded') return outFeatures * inFeatures * Float32Array.BYTES_PER_ELEMENT;
  return packedBytes(outFeatures, inFeatures, form.packed);
}

function packedBytes(outFeatures: number, inFeatures: number, { codes, scales, zeros, groupSize }: PackedForm): number {
  const octetBytes = codes === 'u4' || codes === 'i4' || codes === 'f4e2m1' ? 128 : 256;
  const tableBytes = blockRows * ((scales === 'f32' ? 4 : 2) + { none: 0, u8: 1, f32: 4 }[zeros]);
  const group = Math.min(groupSize, inFeatures);
  const columns = chunkColumns(group);
  const perGroup = (of: (features: number) => number) =>
    Math.floor(inFeatures / group) * of(group) + of(inFeatures % group);
  const chunks = perGroup((features) => Math.ceil(features / columns));
  const octets = perGroup(
    (features) => Math.floor(features / columns) * Math.ceil(columns / 8) + Math.ceil((features % columns) / 8),
  );
  // One scale per row stands in front of the codes, with the sum of the row.
  const tables = groupSize >= inFeatures ? tableBytes + blockRows * 8 : chunks * tableBytes;
  return Math.ceil(outFeatures / blockRows) * (octets * octetBytes + tables);
}

/** Columns that share an activation scale with accuracy `int8PerGroup`. */
export function chunkColumns(groupSize: number): number {
  return groupSize <= chunk.largest ? groupSize : chunk.piece;
}
