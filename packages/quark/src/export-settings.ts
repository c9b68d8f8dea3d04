import { type JsonPlace, oneOf, placeOf, readField, readPlace, unknownFields } from './json-place.ts';

/** `reorder`: the nibbles of a word as AWQ orders them. */
export type PackMethod = 'reorder' | 'order';
/** `fake_quantized`: the weights are floats that were rounded to what their quantization can represent. */
export type WeightFormat = 'real_quantized' | 'fake_quantized';

/** The exporter's own settings. */
export interface ExportSettings {
  /** Where they stand; undefined: they are absent, and defaults hold. */
  readonly place: JsonPlace | undefined;
  readonly packMethod: PackMethod;
  readonly weightFormat: WeightFormat;
}

const known: ReadonlySet<string> = new Set([
  ...['kv_cache_group', 'pack_method', 'weight_format'],
  // How scales were merged and bounded before they were written.
  ...['min_kv_scale', 'weight_merge_groups'],
]);

const packMethod = oneOf<PackMethod>({ reorder: 'reorder', order: 'order' });
const weightFormat = oneOf<WeightFormat>({ real_quantized: 'real_quantized', fake_quantized: 'fake_quantized' });

/** @throws ConfigError for values that Quark does not have */
export function readExport(at: JsonPlace, warnings: string[]): ExportSettings {
  const place = readPlace(at, 'export');
  if (!place) {
    const { file, field } = placeOf(at, 'export');
    warnings.push(`${file}: ${field} is absent; pack_method reorder and weight_format real_quantized are assumed`);
    return { place, packMethod: 'reorder', weightFormat: 'real_quantized' };
  }
  warnings.push(...unknownFields(place, known));
  return {
    place,
    packMethod: readField(place, 'pack_method', packMethod) ?? 'reorder',
    weightFormat: readField(place, 'weight_format', weightFormat) ?? 'real_quantized',
  };
}
