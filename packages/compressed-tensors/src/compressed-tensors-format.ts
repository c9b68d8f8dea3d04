import { RefusedError } from '@lowbit/core';
import { type FieldReader, oneOf, readField, type Section } from './config-section.ts';

/** How the library calls the form in which a module's tensors are stored. */
export type StorageFormat = (typeof storageFormats)[number];

const storageFormats = [
  'dense',
  'naive-quantized',
  'int-quantized',
  'float-quantized',
  'pack-quantized',
  'nvfp4-pack-quantized',
  'mxfp4-pack-quantized',
  'mxfp6-pack-quantized',
  'mxfp8-quantized',
] as const;

/** Forms of library versions before 0.15 that are not read. */
const refusedFormats = {
  'sparse-bitmask': 'weights as bitmask and non-zero values',
  'sparse-24-bitmask': '2:4 sparse weights as bitmask and non-zero values',
  'marlin-24': '2:4 sparse weights permuted for the Marlin GPU kernel',
} as const;

type RefusedFormat = keyof typeof refusedFormats;
const refusedNames = Object.keys(refusedFormats) as readonly RefusedFormat[];

const ofGroup = oneOf([...storageFormats, ...refusedNames]);
/** `mixed-precision`: each group says its own. `fakequant`: the file does not say. */
const ofModel = oneOf([...storageFormats, ...refusedNames, 'mixed-precision', 'fakequant']);

/** @throws RefusedError for a form that is not supported */
export function readGroupFormat(section: Section): StorageFormat | undefined {
  return supported(section, ofGroup);
}

/** Undefined where the file leaves it to its groups and tensors. */
export function readModelFormat(section: Section): StorageFormat | 'mixed-precision' | undefined {
  const format = supported(section, ofModel);
  return format === 'fakequant' ? undefined : format;
}

function supported<Format extends string>(section: Section, reader: FieldReader<Format>) {
  const format = readField(section, 'format', reader);
  if (isRefused(format)) throw refusedSparsity(`${section.file}: ${section.path}.format`, format);
  return format as Exclude<Format, RefusedFormat> | undefined;
}

function isRefused(format: string | undefined): format is RefusedFormat {
  return format !== undefined && Object.hasOwn(refusedFormats, format);
}

export function refusedSparsity(place: string, format: RefusedFormat): RefusedError {
  return new RefusedError({
    message: `${place}: ${format} checkpoints are not supported`,
    refusals: [
      {
        by: 'compressed-tensors',
        code: 'SPARSE',
        message: `${format} stores ${refusedFormats[format]}`,
        hint: 'save the model again without sparse compression',
      },
    ],
  });
}
