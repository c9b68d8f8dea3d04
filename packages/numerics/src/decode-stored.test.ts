import {
  type DType,
  type ElementType,
  type Layout,
  LayoutError,
  plain,
  quotient,
  remainder,
  whole,
} from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import type { Extents } from './bit-positions.ts';
import { decodeBits, decodeCodes, decodeStored } from './decode-stored.ts';
import type { StoredForm } from './stored-form.ts';

const table: Extents = [
  ['out', 8],
  ['in', 4],
];
const nibbles: Layout = {
  axes: [[whole('in')], [quotient('out', 8)]],
  packed: { bits: 4, word: 32, fields: [remainder('out', 8)] },
};

function form(type: ElementType, dtype: DType, shape: readonly number[], layout: Layout): StoredForm {
  return { ref: { name: 'q_proj.qweight', dtype, shape }, type, layout };
}

function decode(stored: StoredForm, extents: Extents = table, length?: number): Uint32Array {
  const sizes: Partial<Record<DType, number>> = { I32: 4, U8: 1, I8: 1, I64: 8 };
  const elements = stored.ref.shape.reduce((product, size) => product * size, 1);
  return decodeBits(stored, new Uint8Array(length ?? elements * sizes[stored.ref.dtype]!), extents);
}

describe('an element outside the stored tensor', () => {
  it('names tensor, element, index and shape', () => {
    expect(() =>
      decode(form('u4', 'I32', [4, 1], nibbles), [
        ['out', 9],
        ['in', 4],
      ]),
    ).toThrow(
      new LayoutError('q_proj.qweight: element (out 8, in 0) is at index 1 of dimension 1, outside 0..0 of I32 [4, 1]'),
    );
    expect(() => decode(form('u4', 'I32', [3, 1], nibbles))).toThrow(
      'q_proj.qweight: element (out 0, in 3) is at index 3 of dimension 0, outside 0..2 of I32 [3, 1]',
    );
  });

  it('counts the origin', () => {
    const moved = { ...form('u4', 'I32', [4, 1], nibbles), origin: { in: 1 } };
    expect(() => decode(moved)).toThrow('element (out 0, in 4) is at index 4 of dimension 0, outside 0..3');
    expect(() =>
      decode({ ...form('u8', 'U8', [1, 8, 4], plain('expert', 'out', 'in')), origin: { expert: 1 } }),
    ).toThrow('is at index 1 of dimension 0, outside 0..0 of U8 [1, 8, 4]');
  });

  it('counts codes of a stream', () => {
    const stream: Layout = { axes: [[whole('in')], [whole('out')]], packed: { bits: 3, word: 32, stream: 0 } };
    expect(
      decode(form('u3', 'I32', [1, 1], stream), [
        ['out', 1],
        ['in', 10],
      ]),
    ).toHaveLength(10);
    expect(() =>
      decode(form('u3', 'I32', [1, 1], stream), [
        ['out', 1],
        ['in', 11],
      ]),
    ).toThrow('element (out 0, in 10) is at code 10 of dimension 0, outside 0..9 of I32 [1, 1]');
  });

  it('counts fields', () => {
    const wide: Layout = { axes: [[]], packed: { bits: 4, word: 8, fields: [whole('in')] } };
    expect(() => decode(form('u4', 'U8', [1], wide), [['in', 3]])).toThrow(
      'element (in 2) is at field 2, outside 0..1',
    );
  });

  it('does not matter in an empty table', () => {
    expect(
      decode(form('u4', 'I32', [0, 1], nibbles), [
        ['out', 8],
        ['in', 0],
      ]),
    ).toHaveLength(0);
  });
});

describe('a form that contradicts itself', () => {
  const bits3 = (stream: number): Layout => ({ axes: [[whole('in')], []], packed: { bits: 3, word: 32, stream } });

  it.each<[string, StoredForm, string]>([
    ['rank', form('u8', 'U8', [8], plain('out', 'in')), 'a layout of 2 dimensions for a tensor of shape [8]'],
    [
      'narrow codes',
      form('i4', 'I8', [8, 4], plain('out', 'in')),
      'i4 codes cannot fill I8 elements\nNarrower codes need a packing.',
    ],
    ['word', form('u4', 'U8', [4, 1], nibbles), 'packed in 32-bit words, but stored as U8'],
    ['code', form('u8', 'I32', [4, 1], nibbles), 'packed as 4-bit codes, but u8 has 8 bits'],
    [
      'code in word',
      form('u16', 'U8', [1], { axes: [[]], packed: { bits: 16, word: 8, fields: [] } }),
      '16-bit codes do not fit 8-bit words',
    ],
    ['stream dimension', form('u3', 'I32', [3, 1], bits3(2)), 'a bit stream along dimension 2 of 2'],
    [
      'carry across words',
      form('u3', 'I32', [3, 1], { ...bits3(0), add: { value: 1, carry: 'word' } }),
      'carries inside a word are undefined for 3-bit codes that run across 32-bit words',
    ],
    [
      'fraction',
      form('u8', 'U8', [8, 4], { ...plain('out', 'in'), add: { value: 0.5, carry: 'field' } }),
      'add 0.5 is not an integer',
    ],
    [
      'wide add',
      form('i64', 'I64', [8, 4], { ...plain('out', 'in'), add: { value: 1, carry: 'field' } }),
      'add works on codes of at most 32 bits, i64 has 64',
    ],
    [
      'endless digit',
      form('u8', 'U8', [32], { axes: [[remainder('out', 8), whole('in')]] }),
      'index of dimension 0 has a digit without modulo after its first',
    ],
    [
      'division by zero',
      form('u8', 'U8', [32], { axes: [[quotient('out', 0)]] }),
      'index of dimension 0 divides by 0, modulo nothing',
    ],
  ])('%s', (_, stored, message) => {
    const run = () => decodeStored(stored, new Uint8Array(byteCount(stored)), table);
    expect(run).toThrow(LayoutError);
    expect(run).toThrow(`q_proj.qweight: ${message}`);
  });

  function byteCount({ ref }: StoredForm): number {
    return ref.shape.reduce((product, size) => product * size, { U8: 1, I8: 1, I32: 4, I64: 8 }[ref.dtype as 'U8']!);
  }
});

it('refuses bytes that are not the whole tensor', () => {
  expect(() => decode(form('u4', 'I32', [4, 1], nibbles), table, 15)).toThrow(
    'tensor q_proj.qweight: expected 16 bytes of I32 [4, 1], found 15 bytes',
  );
});

it('refuses extents that are none', () => {
  const stored = form('u8', 'U8', [8, 4], plain('out', 'in'));
  expect(() =>
    decode(stored, [
      ['out', 8],
      ['out', 4],
    ]),
  ).toThrow('q_proj.qweight: an axis is asked for twice: out,out');
  expect(() =>
    decode(stored, [
      ['out', -1],
      ['in', 4],
    ]),
  ).toThrow('q_proj.qweight: -1 is no size of axis out');
});

describe('decodeCodes', () => {
  it('refuses floats and what 32 bits do not hold', () => {
    const one: Extents = [['in', 1]];
    expect(() => decodeCodes(form('f16', 'F16', [1], plain('in')), new Uint8Array(2), one)).toThrow(
      'q_proj.qweight: f16 elements are no integer codes',
    );
    expect(() => decodeCodes(form('u32', 'U32', [1], plain('in')), new Uint8Array(4).fill(255), one)).toThrow(
      'tensor q_proj.qweight: expected integers within -2147483648..2147483647, found 4294967295',
    );
    const wide = new Uint8Array(BigInt64Array.of(-(2n ** 40n)).buffer);
    expect(() => decodeCodes(form('i64', 'I64', [1], plain('in')), wide, one)).toThrow('found -1099511627776');
  });
});
