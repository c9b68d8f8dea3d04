import { RefusedError } from '@lowbit/core';
import { type ConfigSource, type Found, readField } from './config-source.ts';
import { autoRoundFields, type CheckpointFormat, fields } from './gptq-fields.ts';
import type { GptqFormat } from './gptq-layout.ts';

/**
 * How the checkpoint stores its zero points. Absent: as version 1.
 * @throws ConfigError; RefusedError for layouts of another kind, by name
 */
export function readFormat(sources: readonly ConfigSource[]): GptqFormat {
  const method = readField(sources, fields.method);
  if (method?.value === 'marlin' || method?.value === 'bitblas') throw refused({ ...method, value: method.value });
  const isMarlin = readField(sources, fields.isMarlin);
  if (isMarlin?.value) throw refused({ ...isMarlin, value: 'marlin' });
  const isBitblas = readField(sources, fields.isBitblas);
  if (isBitblas?.value) throw refused({ ...isBitblas, value: 'bitblas' });
  const packDType = readField(sources, fields.packDType);
  if (packDType && packDType.value !== 'int32') throw refused({ ...packDType, value: 'pack_dtype' });
  const format = readField(sources, fields.format);
  if (method?.value === 'auto-round' && !format) return readPacking(sources);
  if (!format) return 'gptq';
  const { value } = format;
  if (value === 'gptq' || value === 'gptq_v2') return value;
  throw refused({ ...format, value });
}

/**
 * AutoRound names a packing and, in older versions, after it the kernel to run it with: `auto_round:gptq:exllamav2`.
 * Those of GPTQ's name store zero points minus one; its own and GPTQModel's do not.
 */
function readPacking(sources: readonly ConfigSource[]): GptqFormat {
  const packing = readField(sources, autoRoundFields.packing) ?? readField(sources, autoRoundFields.backend);
  if (!packing) return 'gptq';
  const parts = packing.value.toLowerCase().split(':');
  const has = (...names: readonly string[]) => parts.some((part) => names.includes(part));
  if (has('auto_awq', 'awq')) throw refused({ ...packing, value: 'awq' });
  if (has('auto_gptq', 'gptq', 'auto')) return 'gptq';
  const [first = '', ...rest] = parts;
  const own = ['auto_round', 'autoround', 'auto-round'].includes(first);
  if (own && rest.every((part) => plainPackings.has(part))) return 'gptq_v2';
  throw refused({ ...packing, value: 'packing' });
}

/** What may stand after `auto_round:` where the bytes are AutoRound's own: its exporter, or a kernel to run it. */
const plainPackings: ReadonlySet<string> = new Set([
  'gptqmodel',
  'exllamav1',
  'exllamav2',
  'marlin',
  'tritonv2',
  'triton',
  'torch',
]);

type RefusedFormat = Exclude<CheckpointFormat, GptqFormat> | 'awq' | 'packing' | 'pack_dtype';

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
  packing: [
    "no layout of GPTQ's: known are auto_round:auto_gptq, auto_round:gptq, auto_round:gptqmodel, auto_round",
    'export with format auto_round:auto_gptq',
  ],
  pack_dtype: ['codes packed into words of another size than 32 bits', 'save the model with pack_dtype int32'],
};

function refused({ value, file, field }: Found<RefusedFormat>): RefusedError {
  const [message, hint] = reasons[value];
  return new RefusedError({
    message: `${file}: ${field}: this layout is not supported`,
    refusals: [{ by: 'gptq', code: 'FORMAT', message, hint }],
  });
}
