import { booleanField, type FieldReader, integerField, isJsonObject, type JsonObject, wordField } from '@lowbit/core';

/** Widths that can be written; 5, 6 and 7 only in the planar layout, which is refused. */
export type GptqBits = 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What a `checkpoint_format` says about the bytes. */
export type CheckpointFormat = 'gptq' | 'gptq_v2' | 'gptq_p' | 'marlin' | 'marlin_24' | 'bitblas';

const objectReader = {
  expected: 'an object or null',
  read: (value: unknown) => (isJsonObject(value) ? value : undefined),
};
const textReader = { expected: 'a text', read: (value: unknown) => (typeof value === 'string' ? value : undefined) };

/** Settings that a rule for some modules may change. */
export const weightFields = {
  bits: integerField(
    ['bits', 'wbits', 'w_bit'],
    'an integer from 2 to 8',
    (value): value is GptqBits => value >= 2 && value <= 8,
  ),
  groupSize: integerField(
    ['group_size', 'q_group_size'],
    'a positive integer, or -1 for one group per output feature',
    (value): value is number => value === -1 || value > 0,
  ),
  descAct: booleanField('desc_act'),
  symmetric: booleanField('sym'),
};

/** Readers for every field whose value matters. Spellings: AutoGPTQ, GPTQModel, optimum, AutoRound. */
export const fields = {
  ...weightFields,
  method: wordField(['quant_method', 'method'], {
    gptq: 'gptq',
    marlin: 'marlin',
    bitblas: 'bitblas',
    'auto-round': 'auto-round',
    'intel/auto-round': 'auto-round',
  } as const),
  format: wordField<CheckpointFormat>(['checkpoint_format', 'format'], {
    gptq: 'gptq',
    gptq_v2: 'gptq_v2',
    gptq_p: 'gptq_p',
    marlin: 'marlin',
    marlin_24: 'marlin_24',
    bitblas: 'bitblas',
  }),
  isMarlin: booleanField('is_marlin_format'),
  isBitblas: booleanField('is_bitblas_format'),
  head: booleanField('lm_head'),
  packDType: wordField(['pack_dtype'], { int32: 'int32', int8: 'int8', int16: 'int16', int64: 'int64' } as const),
  dynamic: { spellings: ['dynamic'], ...objectReader } satisfies FieldReader<JsonObject>,
  modulesInBlock: {
    spellings: ['modules_in_block_to_quantize'],
    expected: 'a list of names, or of lists of names',
    read: (value) => {
      const names = Array.isArray(value) ? value.flat() : [value];
      return names.every((name) => typeof name === 'string' && name !== '') ? names : undefined;
    },
  } satisfies FieldReader<readonly string[]>,
};

/** AutoRound's own. */
export const autoRoundFields = {
  packing: { spellings: ['packing_format'], ...textReader } satisfies FieldReader<string>,
  /** Older versions wrote the packing here. */
  backend: { spellings: ['backend'], ...textReader } satisfies FieldReader<string>,
  extraConfig: { spellings: ['extra_config'], ...objectReader } satisfies FieldReader<JsonObject>,
  dataType: { spellings: ['data_type'], ...textReader } satisfies FieldReader<string>,
  actBits: integerField(['act_bits'], 'a positive integer', (value): value is number => value > 0),
};
