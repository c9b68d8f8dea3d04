import type { ElementType, ModuleDescription, Numerics } from '@lowbit/core';
import * as made from './made-up-modules.ts';

/** What a row of docs/backends.md asks every backend. */
export interface Question {
  readonly name: string;
  readonly description: ModuleDescription;
  readonly numerics: Numerics;
}

const elementTypes: readonly ElementType[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64].flatMap((bits) => [`u${bits}`, `i${bits}`] as ElementType[]),
  ...(['f64', 'f32', 'f16', 'bf16', 'f8e4m3', 'f8e5m2', 'f8e4m3fnuz', 'f8e5m2fnuz'] as const),
  ...(['f6e2m3', 'f6e3m2', 'f4e2m1', 'e8m0'] as const),
];

export const codesOfLinears: readonly Question[] = elementTypes.map((type) => ({
  name: `\`${type}\``,
  description: made.linear(made.weight(type)),
  numerics: 'exact',
}));

export const codesOfEmbeddings: readonly Question[] = elementTypes.map((type) => ({
  name: `\`${type}\``,
  description: made.embedding(made.weight(type)),
  numerics: 'exact',
}));

const indexed = { indexed: true } as const;

export const tablesOfWeights: readonly Question[] = (
  [
    ['a scale per row', { scales: [made.scale(512)] }],
    ['scales and zero points in groups of 32', { scales: [made.scale(32)], zero: made.table(32) }],
    ['groups of 5 columns', { scales: [made.scale(5)] }],
    ['blocks of 128 rows and 128 columns', { scales: [made.scale(128, { block: [128, 128] })] }],
    ['two scales, one of which divides', { scales: [made.scale(16), made.scale(512, { divide: true })] }],
    ['a shift instead of a zero point', { shift: made.table(128) }],
    ['groups by index (act-order)', { scales: [made.scale(128, indexed)], groupIndex: made.groupIndex() }],
    [
      'groups by index and others in one weight',
      { scales: [made.scale(128, indexed), made.scale(64)], groupIndex: made.groupIndex() },
    ],
  ] as const
).map(([name, options]) => ({ name, description: made.linear(made.weight('u4', options)), numerics: 'exact' }));

const tensor = { kind: 'tensor' } as const;
const group = { kind: 'group', size: 32 } as const;

export const activationRules: readonly Question[] = (
  [
    ['`i8` per token, scales from the data', made.activations('i8')],
    ['`i8` per token, with zero points', made.activations('i8', { symmetric: false })],
    ['`i8` per tensor, stored scales', made.activations('i8', { granularity: tensor, scale: made.storedScale })],
    ['`i4` per group', made.activations('i4', { granularity: group })],
    ['`f8e4m3` per token', made.activations('f8e4m3')],
    ['`f4e2m1` in groups of 32 (MX)', made.activations('f4e2m1', { granularity: group })],
    ['`i16` per token', made.activations('i16')],
    ['`i32` per token', made.activations('i32')],
    ['`e8m0` per token', made.activations('e8m0')],
    ['`f8e4m3` with zero points', made.activations('f8e4m3', { symmetric: false })],
    ['`i8`, stored scales per token', made.activations('i8', { scale: made.storedScale })],
  ] as const
).map(([name, rule]) => ({
  name,
  description: made.linear(made.weight('i8'), { activations: rule }),
  numerics: 'faithful',
}));

export const integerExecutions: readonly Question[] = (
  [
    ['`i8` weights and activations', 'i8', 'i8', 'tensor'],
    ['`i4` weights, `i8` activations', 'i4', 'i8', 'tensor'],
    ['`i8` weights, `u8` activations', 'i8', 'u8', 'tensor'],
    ['`i16` weights and activations', 'i16', 'i16', 'tensor'],
    ['`i8`, scales per token', 'i8', 'i8', 'token'],
  ] as const
).map(([name, weights, inputs, granularity]) => ({
  name,
  description: made.linear(made.weight(weights), made.integerConstants(inputs, granularity)),
  numerics: 'faithful',
}));

export const kvCaches: readonly Question[] = (
  [
    ...(['f32', 'f16', 'bf16', 'f8e4m3', 'f8e5m2'] as const).map((type) => [`\`${type}\``, type, false] as const),
    ['`i8` with scales', 'i8', true],
    ['`i8` without scales', 'i8', false],
    ['`i4` with scales', 'i4', true],
    ['`f4e2m1` with scales', 'f4e2m1', true],
  ] as const
).map(([name, type, scaled]) => ({ name, description: made.kvCache(type, scaled), numerics: 'faithful' }));

export const approximated: readonly Question[] = (
  [
    ['4-bit integers in groups of 128', made.weight('u4', { zero: made.table(128) })],
    ['8-bit integers, a scale per row', made.weight('i8', { scales: [made.scale(512)] })],
    [
      '4-bit integers, groups by index',
      made.weight('u4', { scales: [made.scale(128, indexed)], groupIndex: made.groupIndex() }),
    ],
    ['`f8e4m3`, a scale per row', made.weight('f8e4m3', { scales: [made.scale(512)] })],
    ['`f4e2m1` in groups of 32', made.weight('f4e2m1', { scales: [made.scale(32)] })],
    ['`bf16`', made.weight('bf16', { scales: [] })],
  ] as const
).map(([name, of]) => ({ name, description: made.linear(of), numerics: 'fast' }));
