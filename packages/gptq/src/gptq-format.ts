import { type FoundSetting, RefusedError, readField, type SettingsSource } from '@lowbit/core';
import { readPacking } from './auto-round.ts';
import { type CheckpointFormat, fields } from './gptq-fields.ts';
import type { GptqFormat } from './gptq-layout.ts';

/**
 * How the checkpoint stores its zero points. Absent: as version 1.
 * @throws ConfigError; RefusedError for layouts of another kind, by name
 */
export function readFormat(sources: readonly SettingsSource[]): GptqFormat {
  const method = readField(sources, fields.method);
  if (method?.value === 'marlin' || method?.value === 'bitblas') throw refused({ ...method, value: method.value });
  const isMarlin = readField(sources, fields.isMarlin);
  if (isMarlin?.value) throw refused({ ...isMarlin, value: 'marlin' });
  const isBitblas = readField(sources, fields.isBitblas);
  if (isBitblas?.value) throw refused({ ...isBitblas, value: 'bitblas' });
  const packDType = readField(sources, fields.packDType);
  if (packDType && packDType.value !== 'int32') throw refused({ ...packDType, value: 'pack_dtype' });
  const autoRound = method?.value === 'auto-round';
  const format = readField(sources, fields.format) ?? (autoRound ? readPacking(sources) : undefined);
  if (!format) return 'gptq';
  const { value } = format;
  if (value === 'gptq' || value === 'gptq_v2') return value;
  throw refused({ ...format, value });
}

type RefusedFormat = Exclude<CheckpointFormat, GptqFormat> | 'awq' | 'other' | 'pack_dtype';

const reasons: Readonly<Record<RefusedFormat, readonly [message: string, hint: string]>> = {
  marlin: [
    'the file holds weights already permuted for the Marlin GPU kernel: tiles of 16 x 16, symmetric, no qzeros',
    'use the gptq export of the same model',
  ],
  marlin_24: [
    'the file holds 2:4 sparse weights already permuted for the Marlin GPU kernel',
    'use the gptq export of the same model',
  ],
  bitblas: [
    'the file holds weights in the layout of a compiled BitBLAS kernel',
    'use the gptq export of the same model',
  ],
  gptq_p: [
    "GPTQModel's planar layout: codes are split into planes of bits, 32 codes at a time",
    'save the model with format gptq or gptq_v2',
  ],
  awq: [
    "AutoRound saved this in AWQ's layout: words packed along output features and interleaved",
    'export with format auto_round:auto_gptq, or with auto_awq for a checkpoint that says awq',
  ],
  other: [
    "no layout of GPTQ's; known are auto_round:auto_gptq, auto_round:gptq, auto_round:gptqmodel and auto_round",
    'export with format auto_round:auto_gptq',
  ],
  pack_dtype: ['codes packed into words of another size than 32 bits', 'save the model with pack_dtype int32'],
};

function refused({ value, file, field }: FoundSetting<RefusedFormat>): RefusedError {
  const [message, hint] = reasons[value];
  return new RefusedError({
    message: `${file}: ${field}: this layout is not supported`,
    refusals: [{ by: 'gptq', code: 'FORMAT', message, hint }],
  });
}
