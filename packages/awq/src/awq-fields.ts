import type { AwqFormat } from './awq-layout.ts';
import type { FieldReader } from './config-source.ts';

export type AwqBits = 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What a `version` says about the bytes: a layout, or one that is refused and why. */
export type AwqVersion = AwqFormat | 'marlin' | 'bitblas';

/** Readers for every field whose value matters. Spellings: AutoAWQ, llm-awq, GPTQModel, AutoRound, Quark. */
export const fields = {
  method: oneOf(['quant_method', 'method'], { awq: 'awq' }),
  bits: {
    spellings: ['bits', 'w_bit', 'wbits'],
    expected: 'an integer from 2 to 8',
    read: (value) => (Number.isInteger(value) && inRange(value as number, 2, 8) ? (value as AwqBits) : undefined),
  } satisfies FieldReader<AwqBits>,
  groupSize: {
    spellings: ['group_size', 'q_group_size'],
    expected: 'a positive integer, or -1 for one group per output feature',
    read: (value) =>
      Number.isSafeInteger(value) && (value === -1 || (value as number) > 0) ? (value as number) : undefined,
  } satisfies FieldReader<number>,
  zeroPoint: boolean('zero_point'),
  symmetric: boolean('sym'),
  /** `exllama` and `ipex` choose a kernel; the bytes are gemm's. */
  version: oneOf<AwqVersion>(['version', 'format', 'checkpoint_format'], {
    gemm: 'gemm',
    exllama: 'gemm',
    ipex: 'gemm',
    gemv: 'gemv',
    gemv_fast: 'gemv_fast',
    'llm-awq': 'gemv_fast',
    marlin: 'marlin',
    bitblas: 'bitblas',
  }),
  /** All but `llm-awq` choose a kernel at run time. */
  backend: oneOf<'llm-awq' | 'kernel'>(['backend'], {
    'llm-awq': 'llm-awq',
    ...Object.fromEntries(
      'autoawq auto auto_trainable gemm gemm_triton gemv gemv_fast torch torch_awq torch_fused_awq exllama exllama_v1 exllama_v2 ipex marlin machete bitblas'
        .split(' ')
        .map((name) => [name, 'kernel'] as const),
    ),
  }),
  modulesToNotConvert: {
    spellings: ['modules_to_not_convert'],
    expected: 'a list of names or null',
    read: (value) =>
      Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry !== '') ? value : undefined,
  } satisfies FieldReader<readonly string[]>,
  head: boolean('lm_head'),
  packDType: oneOf(['pack_dtype'], { int32: 'I32', int16: 'I16' }),
  packMethod: oneOf(['pack_method'], { reorder: 'reorder', order: 'order' }),
  dataType: oneOf(['data_type'], { int: 'int' }),
  dynamic: {
    spellings: ['dynamic'],
    expected: 'an object or null',
    read: (value) => (typeof value === 'object' && !Array.isArray(value) ? Object.keys(value as object) : undefined),
  } satisfies FieldReader<readonly string[]>,
};

/** Fields that do not change what the tensors mean. */
const harmlessFields: ReadonlySet<string> = new Set([
  // Which modules to fuse, and kernels to use, at run time (transformers).
  'do_fuse',
  'fuse_max_seq_len',
  'modules_to_fuse',
  'exllama_config',
  // GPTQ's order of columns: AWQ files have no group index, so there is nothing to reorder.
  'desc_act',
  // How the checkpoint was made, and with what.
  'meta',
  'provider',
  'autoround_version',
  'iters',
  'to_quant_block_names',
  // Granularity of activation and KV quantization, written also where neither is quantized (AutoRound).
  'static_attention_granularity',
  'static_kv_granularity',
  // The exporter's own settings (Quark); its packing order stands in pack_method.
  'export',
]);

export const knownFields: ReadonlySet<string> = new Set([
  ...Object.values(fields).flatMap(({ spellings }) => spellings),
  ...harmlessFields,
]);

function inRange(value: number, min: number, max: number): boolean {
  return min <= value && value <= max;
}

function boolean(spelling: string): FieldReader<boolean> {
  return {
    spellings: [spelling],
    expected: 'true or false',
    read: (value) => (typeof value === 'boolean' ? value : undefined),
  };
}

/** One of some words, in any case. */
function oneOf<T extends string>(spellings: readonly string[], words: Readonly<Record<string, T>>): FieldReader<T> {
  return {
    spellings,
    expected: `one of ${Object.keys(words).join(', ')}`,
    read(value) {
      const word = typeof value === 'string' ? value.toLowerCase() : '';
      return Object.hasOwn(words, word) ? words[word] : undefined;
    },
  };
}
