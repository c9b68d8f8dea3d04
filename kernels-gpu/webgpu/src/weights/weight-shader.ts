import type { Binding } from '../gpu/dispatch.ts';
import floats from '../numbers/floats.wgsl';
import { type DeviceWeight, tablePlaces, type WeightPart } from './device-weight.ts';
import accessors from './weight.wgsl';

/** What a shader needs to read a part of a weight by the functions of weight.wgsl. */
export function weightShader(
  { form, groups, inFeatures, outFeatures }: DeviceWeight,
  { firstRow, rows, codes, tables }: WeightPart,
) {
  const places = tablePlaces(form, groups, rows);
  const bindings: Record<'codes' | 'tables', Binding> = {
    codes: { buffer: codes, type: 'u32' },
    tables: { buffer: tables, type: 'u32' },
  };
  return {
    source: [floats, `fn number(code: u32) -> f32 { return ${form.code.number}; }`, accessors].join('\n'),
    bindings,
    constants: { BITS: form.code.bits },
    factors: { OFFSET: form.code.offset },
    sizes: {
      ROW_WORDS: form.rowWords,
      IN_FEATURES: inFeatures,
      OUT_FEATURES: outFeatures,
      GROUPS: groups,
      // All columns of the last word too.
      GROUP_SIZE: groups === 1 ? 32 * form.rowWords : form.groupSize,
      ZERO_AT: places.zero,
      SHIFT_AT: places.shift,
      GROUP_OF_AT: places.groupOf,
      PART_FIRST: firstRow,
      PART_ROWS: rows,
      INDEXED: Number(form.indexed),
      SCALED: Number(form.scaled),
      ZEROS: Number(form.zeros),
      SHIFTED: Number(form.shifted),
      // Numbers of one group fill whole words.
      WHOLE_WORDS: Number(!form.indexed && (groups === 1 || (form.groupSize * form.code.bits) % 32 === 0)),
    },
  };
}
