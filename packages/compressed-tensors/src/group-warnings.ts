import type { TensorRef } from '@lowbit/core';
import type { CompressedTensorsSettings } from './compressed-tensors-settings.ts';
import type { WeightShape } from './module-tensors.ts';
import type { QuantizationArgs } from './quantization-args.ts';
import type { QuantizationScheme } from './quantization-scheme.ts';
import { packingOf } from './schemes/pack-quantized.ts';
import { formOfFormat, type StoredForm } from './stored-form.ts';

/** Where `format` and tensors disagree. */
export function formatWarnings({ format, section }: QuantizationScheme, form: StoredForm): readonly string[] {
  if (!format || formOfFormat[format] === form) return [];
  const held = form === 'packed' ? 'weight_packed' : 'a number per weight';
  return [`${section.file}: the format of ${section.path} is ${format}, but the file holds ${held}; the file counts`];
}

/** Where version and tensors disagree on how codes share words, or neither tells. */
export function packingWarnings(
  { type, numBits }: QuantizationArgs,
  shape: WeightShape,
  { section, version, versionText }: CompressedTensorsSettings,
  tensors: ReadonlyMap<string, TensorRef>,
): readonly string[] {
  if (type === 'float') return [];
  const claims = { peek: (name: string) => tensors.get(name) };
  const { packing, guessed, against } = packingOf(numBits, shape, version, claims);
  if (against) {
    return [
      `${section.file}: version ${versionText} packs ${numBits}-bit codes in the ${against} way, but the file holds ${packing} ones; the file counts`,
    ];
  }
  if (!guessed) return [];
  return [
    `${shape.name}: neither sizes nor a version tell how ${numBits}-bit codes are packed; read as versions before 0.18 pack them`,
  ];
}
