import type { Binding } from '../gpu/dispatch.ts';
import floats from '../numbers/floats.wgsl';
import { type DeviceWeight, tablePlaces, type WeightPart } from './device-weight.ts';
import accessors from './weight.wgsl';
import { type NumberType, tableWords } from './weight-form.ts';

/** WGSL of a number in the tables: group `group` of the row whose words begin at `first`. */
const reads: Readonly<Record<NumberType, string>> = {
  f32: 'bitcast<f32>(tables[first + group])',
  f16: 'unpack2x16float(tables[first + group / 2] >> (16 * (group & 1))).x',
  bf16: 'bitcast<f32>((tables[first + group / 2] >> (16 * (group & 1))) << 16)',
};

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
    source: [
      floats,
      `fn number(code: u32) -> f32 { return ${form.code.number}; }`,
      `fn scaleIn(first: u32, group: u32) -> f32 { return ${reads[form.scaleType ?? 'f32']}; }`,
      `fn zeroIn(first: u32, group: u32) -> f32 { return ${reads[form.zeroType ?? 'f32']}; }`,
      accessors,
    ].join('\n'),
    bindings,
    constants: {
      BITS: form.code.bits,
      INDEXED: Number(form.indexed),
      SCALED: Number(form.scaleType !== undefined),
      ZEROS: Number(form.zeroType !== undefined),
      SHIFTED: Number(form.shifted),
    },
    factors: { OFFSET: form.code.offset },
    sizes: {
      ROW_WORDS: form.rowWords,
      IN_FEATURES: inFeatures,
      OUT_FEATURES: outFeatures,
      GROUPS: groups,
      SCALE_WORDS: tableWords(form.scaleType ?? 'f32', groups),
      ZERO_WORDS: tableWords(form.zeroType ?? 'f32', groups),
      // All columns of the last word too.
      GROUP_SIZE: groups === 1 ? 32 * form.rowWords : form.groupSize,
      ZERO_AT: places.zero,
      SHIFT_AT: places.shift,
      GROUP_OF_AT: places.groupOf,
      PART_FIRST: firstRow,
      PART_ROWS: rows,
      // Numbers of one group fill whole words.
      WHOLE_WORDS: Number(!form.indexed && (groups === 1 || (form.groupSize * form.code.bits) % 32 === 0)),
    },
  };
}
