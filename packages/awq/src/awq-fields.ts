import { booleanField, type FieldReader, integerField, wordField } from '@lowbit/core';
import type { AwqFormat } from './awq-layout.ts';

export type AwqBits = 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What a `version` says about the bytes: a layout, or one that is refused and why. */
export type AwqVersion = AwqFormat | 'marlin' | 'bitblas';

/** Readers for every field whose value matters. Spellings: AutoAWQ, llm-awq, GPTQModel, AutoRound, Quark. */
export const fields = {
  method: wordField(['quant_method', 'method'], { awq: 'awq' }),
  bits: integerField(
    ['bits', 'w_bit', 'wbits'],
    'an integer from 2 to 8',
    (value): value is AwqBits => value >= 2 && value <= 8,
  ),
  groupSize: integerField(
    ['group_size', 'q_group_size'],
    'a positive integer, or -1 for one group per output feature',
    (value): value is number => value === -1 || value > 0,
  ),
  zeroPoint: booleanField('zero_point'),
  symmetric: booleanField('sym'),
  /** `exllama` and `ipex` choose a kernel; the bytes are gemm's. */
  version: wordField<AwqVersion>(['version', 'format', 'checkpoint_format'], {
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
  backend: wordField<'llm-awq' | 'kernel'>(['backend'], {
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
  head: booleanField('lm_head'),
  packDType: wordField(['pack_dtype'], { int32: 'I32', int16: 'I16' }),
  packMethod: wordField(['pack_method'], { reorder: 'reorder', order: 'order' }),
  dataType: wordField(['data_type'], { int: 'int' }),
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
