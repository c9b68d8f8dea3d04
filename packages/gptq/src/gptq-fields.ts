import { isJsonObject, type JsonObject } from '@lowbit/core';
import type { FieldReader } from './config-source.ts';

/** Widths that can be written; 5, 6 and 7 only in the planar layout, which is refused. */
export type GptqBits = 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What a `checkpoint_format` says about the bytes. */
export type CheckpointFormat = 'gptq' | 'gptq_v2' | 'gptq_p' | 'marlin' | 'marlin_24' | 'bitblas';

const booleanReader = {
  expected: 'true or false',
  read: (value: unknown) => (typeof value === 'boolean' ? value : undefined),
};
const objectReader = {
  expected: 'an object or null',
  read: (value: unknown) => (isJsonObject(value) ? value : undefined),
};
const textReader = { expected: 'a text', read: (value: unknown) => (typeof value === 'string' ? value : undefined) };

/** Settings that a rule for some modules may change. */
export const weightFields = {
  bits: integer(['bits', 'wbits', 'w_bit'], 'an integer from 2 to 8', (value): value is GptqBits =>
    inRange(value, 2, 8),
  ),
  groupSize: integer(
    ['group_size', 'q_group_size'],
    'a positive integer, or -1 for one group per output feature',
    (value): value is number => value === -1 || value > 0,
  ),
  descAct: boolean('desc_act'),
  symmetric: boolean('sym'),
};

/** Readers for every field whose value matters. Spellings: AutoGPTQ, GPTQModel, optimum, AutoRound. */
export const fields = {
  ...weightFields,
  method: oneOf(['quant_method', 'method'], {
    gptq: 'gptq',
    marlin: 'marlin',
    bitblas: 'bitblas',
    'auto-round': 'auto-round',
    'intel/auto-round': 'auto-round',
  } as const),
  format: oneOf<CheckpointFormat>(['checkpoint_format', 'format'], {
    gptq: 'gptq',
    gptq_v2: 'gptq_v2',
    gptq_p: 'gptq_p',
    marlin: 'marlin',
    marlin_24: 'marlin_24',
    bitblas: 'bitblas',
  }),
  isMarlin: boolean('is_marlin_format'),
  isBitblas: boolean('is_bitblas_format'),
  head: boolean('lm_head'),
  packDType: oneOf(['pack_dtype'], { int32: 'int32', int8: 'int8', int16: 'int16', int64: 'int64' } as const),
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
  actBits: integer(['act_bits'], 'a positive integer', (value): value is number => value > 0),
};

/** An integer of which more is asked. */
function integer<T extends number>(
  spellings: readonly string[],
  expected: string,
  fits: (value: number) => value is T,
): FieldReader<T> {
  const read = (value: unknown) => (Number.isSafeInteger(value) && fits(value as number) ? (value as T) : undefined);
  return { spellings, expected, read };
}

function inRange(value: number, min: number, max: number): boolean {
  return min <= value && value <= max;
}

function boolean(spelling: string): FieldReader<boolean> {
  return { spellings: [spelling], ...booleanReader };
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
