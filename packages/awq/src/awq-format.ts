import {
  ConfigError,
  type FoundSetting,
  placeOf,
  RefusedError,
  readAllFields,
  readField,
  type SettingsSource,
} from '@lowbit/core';
import { type AwqBits, type AwqVersion, fields } from './awq-fields.ts';
import type { AwqFormat } from './awq-layout.ts';

/**
 * The layout of the checkpoint's tensors.
 * @throws RefusedError for layouts that are permuted for one kernel
 */
export function readFormat(sources: readonly SettingsSource[], warnings: string[]): FoundSetting<AwqFormat> {
  const backend = readAllFields(sources, fields.backend).find(({ value }) => value === 'llm-awq');
  if (backend) return { ...backend, value: 'gemv_fast' };
  const version = readField(sources, fields.version);
  if (!version) {
    const [first] = sources;
    const file = first?.file ?? 'config.json';
    const field = `${first?.prefix ?? ''}version`;
    warnings.push(`${file}: ${field} is absent; gemm is assumed, and every tensor's shape is checked against it`);
    return { value: 'gemm', file, field };
  }
  const { value } = version;
  if (value === 'marlin' || value === 'bitblas') throw refusedFormat({ ...version, value });
  return { ...version, value };
}

const refusedFormats: Readonly<Record<Exclude<AwqVersion, AwqFormat>, string>> = {
  marlin: 'the file holds weights already permuted for the Marlin GPU kernel: tiles of 16 x 16, symmetric, no qzeros',
  bitblas: 'the file holds weights in the layout of a compiled BitBLAS kernel',
};

function refusedFormat({ value, file, field }: FoundSetting<Exclude<AwqVersion, AwqFormat>>): RefusedError {
  const hint = 'use the gemm export of the same model';
  return new RefusedError({
    message: `${file}: ${field}: ${value} checkpoints are not supported`,
    refusals: [{ by: 'awq', code: 'FORMAT', message: refusedFormats[value], hint }],
  });
}

/**
 * Whether the other settings exist in this layout.
 * @throws ConfigError naming both settings; RefusedError for Quark's natural order
 */
export function checkFormat(
  format: FoundSetting<AwqFormat>,
  bits: FoundSetting<AwqBits>,
  groupSize: FoundSetting<number>,
  sources: readonly SettingsSource[],
): void {
  checkWidth(bits, format);
  checkTableWidth(groupSize, format);
  checkPacking(sources, format);
}

function checkWidth(bits: FoundSetting<AwqBits>, format: FoundSetting<AwqFormat>): void {
  if (format.value === 'gemm' || bits.value === 4) return;
  throw new ConfigError({
    ...placeOf(bits),
    expected: `4, the only width of ${format.value} (${format.file}: ${format.field})`,
    actual: bits.value,
  });
}

/** The gemv layouts pad their tables by group size, which their writers define for these sizes only. */
function checkTableWidth(groupSize: FoundSetting<number>, format: FoundSetting<AwqFormat>): void {
  const { value } = groupSize;
  if (format.value === 'gemm' || value === 32 || value === 64 || value >= 128) return;
  throw new ConfigError({
    ...placeOf(groupSize),
    expected: `32, 64, or 128 and more, the group sizes of ${format.value} (${format.file}: ${format.field})`,
    actual: value,
  });
}

function checkPacking(sources: readonly SettingsSource[], format: FoundSetting<AwqFormat>): void {
  const packDType = readField(sources, fields.packDType);
  const expected = format.value === 'gemv_fast' ? 'I16' : 'I32';
  if (packDType && packDType.value !== expected) {
    throw new ConfigError({
      ...placeOf(packDType),
      expected: `${expected === 'I16' ? 'int16' : 'int32'}, as ${format.value} packs (${format.file}: ${format.field})`,
      actual: packDType.value === 'I16' ? 'int16' : 'int32',
    });
  }
  const packMethod = readField(sources, fields.packMethod);
  if (packMethod?.value === 'order') {
    throw new RefusedError({
      message: `${packMethod.file}: ${packMethod.field}: order is not supported`,
      refusals: [
        {
          by: 'awq',
          code: 'FORMAT',
          message: 'codes in natural order within a word',
          hint: 'export with pack_method reorder',
        },
      ],
    });
  }
}
