import { type DType, type ElementType, type Layout, plain, quotient, remainder, whole } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import type { Extents } from './bit-positions.ts';
import { decodeCodes, decodeStored } from './decode-stored.ts';
import { encodeStored } from './encode-stored.ts';
import type { StoredForm } from './stored-form.ts';

/*
 * Packings of published formats, each as a layout record, against words worked out from the formats' descriptions.
 */

function form(type: ElementType, dtype: DType, shape: readonly number[], layout: Layout): StoredForm {
  return { ref: { name: 'weight', dtype, shape }, type, layout };
}

function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4, true));
}

function bytesOf(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

/** As numpy: dimensions of a row-major array in a new order. */
function transpose(values: readonly number[], shape: readonly number[], order: readonly number[]): number[] {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const walk = (depth: number, offset: number): number[] =>
    depth === order.length
      ? [values[offset]!]
      : Array.from({ length: shape[order[depth]!]! }, (_, index) =>
          walk(depth + 1, offset + index * strides[order[depth]!]!),
        ).flat();
  return walk(0, 0);
}

/** Packs, compares with the words, and reads the codes back. */
function expectWords(
  stored: StoredForm,
  extents: Extents,
  codes: readonly number[],
  expected: readonly number[],
): void {
  const bytes = encodeStored(codes, stored, extents);
  expect(words(bytes).map(hex)).toEqual(expected.map(hex));
  expect([...decodeCodes(stored, bytes, extents)]).toEqual(codes);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

describe('AWQ', () => {
  const gemm: Layout = {
    axes: [[whole('in')], [quotient('out', 8)]],
    packed: { bits: 4, word: 32, fields: [remainder('out', 2), remainder('out', 4, 2)] },
  };
  const row: Extents = [
    ['in', 1],
    ['out', 8],
  ];
  const stored = form('u4', 'I32', [1, 1], gemm);

  it.each([
    [[3, 14, 1, 9, 8, 0, 15, 6], 0x609ef813],
    [[8, 7, 8, 9, 0, 15, 8, 1], 0x1f978088],
    [[0, 1, 2, 3, 4, 5, 6, 7], 0x75316420],
    [[8, 8, 8, 8, 8, 8, 8, 8], 0x88888888],
  ])('gemm: %j', (codes, word) => expectWords(stored, row, codes, [word]));

  it('gemm: one column at a time', () => {
    const oneHot = [0x0000000f, 0x000f0000, 0x000000f0, 0x00f00000, 0x00000f00, 0x0f000000, 0x0000f000, 0xf0000000];
    oneHot.forEach((word, column) => {
      expectWords(
        stored,
        row,
        Array.from({ length: 8 }, (_, j) => (j === column ? 15 : 0)),
        [word],
      );
    });
  });

  it('gemm: as a table [out, in]', () => {
    const twoRows = form('u4', 'I32', [2, 1], gemm);
    expect([
      ...decodeStored(twoRows, bytesOf([0x609ef813, 0xf9880788]), [
        ['out', 8],
        ['in', 2],
      ]),
    ]).toEqual([3, 8, 14, 8, 1, 8, 9, 8, 8, 7, 0, 9, 15, 0, 6, 15]);
  });

  it('gemv: natural order along in', () => {
    const gemv: Layout = {
      axes: [[whole('out')], [quotient('in', 8)]],
      packed: { bits: 4, word: 32, fields: [remainder('in', 8)] },
    };
    expectWords(
      form('u4', 'I32', [1, 1], gemv),
      [
        ['out', 1],
        ['in', 8],
      ],
      [3, 14, 1, 9, 8, 0, 15, 6],
      [0x6f0891e3],
    );
  });

  it('gemv_fast: equals the reshapes and transpositions of the writer', () => {
    // row out/4; column 64*(in/64) + 16*(out%4) + 8*(in%64/32) + in%8; nibble in%32/8
    const gemvFast: Layout = {
      axes: [
        [quotient('out', 4)],
        [quotient('in', 64), remainder('out', 4), remainder('in', 2, 32), remainder('in', 8)],
      ],
      packed: { bits: 4, word: 16, fields: [remainder('in', 4, 8)] },
    };
    const [out, inFeatures] = [8, 128];
    const codes = Array.from({ length: out * inFeatures }, (_, index) => (index * 7 + (index >> 5)) % 16);
    // Pairs of 8 x 4 columns swapped, then even and odd columns of each eight parted, then four rows interleaved by 64.
    let moved = transpose(codes, [out, inFeatures / 32, 4, 4, 2], [0, 1, 3, 2, 4]);
    moved = transpose(moved, [out, inFeatures / 32, 4, 4, 2], [0, 1, 2, 4, 3]);
    moved = transpose(moved, [out / 4, 4, inFeatures / 64, 64], [0, 2, 1, 3]);
    const expected = Uint16Array.from({ length: moved.length / 4 }, (_, word) =>
      [0, 1, 2, 3].reduce((sum, field) => sum | (moved[word * 4 + field]! << (4 * field)), 0),
    );
    const stored = form('u4', 'I16', [out / 4, inFeatures], gemvFast);
    const bytes = encodeStored(codes, stored, [
      ['out', out],
      ['in', inFeatures],
    ]);
    expect(new Uint16Array(bytes.buffer)).toEqual(expected);
    expect([
      ...decodeCodes(stored, bytes, [
        ['out', out],
        ['in', inFeatures],
      ]),
    ]).toEqual(codes);
  });
});

describe('GPTQ', () => {
  /** Codes of one output column, running down the rows. */
  const column = (type: ElementType, bits: number, shape: [number, number]) =>
    form(type, 'I32', shape, { axes: [[whole('in')], [whole('out')]], packed: { bits, word: 32, stream: 0 } });
  const down = (count: number): Extents => [
    ['out', 1],
    ['in', count],
  ];
  const only = (code: Record<number, number>) => Array.from({ length: 32 }, (_, k) => code[k] ?? 0);

  it.each([
    ['u4', [1, 2, 3, 4, 5, 6, 7, 8], [0x87654321]],
    ['u4', [3, 14, 1, 9, 8, 0, 15, 6], [0x6f0891e3]],
    ['u2', [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], [0xe4e4e4e4]],
    ['u8', [1, 2, 128, 255], [0xff800201]],
    ['u3', Array.from({ length: 32 }, (_, k) => k % 8), [0x88fac688, 0xc688fac6, 0xfac688fa]],
    ['u3', only({ 10: 7 }), [0xc0000000, 0x00000001, 0]],
    ['u3', only({ 21: 7 }), [0, 0x80000000, 0x00000003]],
    ['u3', only({ 10: 5, 21: 6 }), [0x40000000, 0x00000001, 0x00000003]],
  ] as const)('%s %j', (type, codes, expected) => {
    expectWords(column(type, Number(type.slice(1)), [expected.length, 1]), down(codes.length), codes, expected);
  });

  it('3-bit: the words of a column are not neighbours in memory', () => {
    const stored = column('u3', 3, [3, 2]);
    const codes = [...Array.from({ length: 32 }, (_, k) => k % 8), ...only({ 10: 5, 21: 6 })];
    expectWords(
      stored,
      [
        ['out', 2],
        ['in', 32],
      ],
      codes,
      [0x88fac688, 0x40000000, 0xc688fac6, 0x00000001, 0xfac688fa, 0x00000003],
    );
  });

  it('3-bit: GPTQ has zeros along out as well', () => {
    const zeros = form('u3', 'I32', [1, 3], {
      axes: [[whole('in')], [whole('out')]],
      packed: { bits: 3, word: 32, stream: 1 },
      add: { value: 1, carry: 'field' },
    });
    // All zero points 4, stored minus one.
    expectWords(
      zeros,
      [
        ['in', 1],
        ['out', 32],
      ],
      Array<number>(32).fill(4),
      [0xdb6db6db, 0xb6db6db6, 0x6db6db6d],
    );
  });

  describe('zero points stored minus one', () => {
    const zeros = (carry: 'field' | 'word') =>
      form('u4', 'I32', [1, 1], {
        axes: [[whole('in')], [quotient('out', 8)]],
        packed: { bits: 4, word: 32, fields: [remainder('out', 8)] },
        add: { value: 1, carry },
      });
    const row: Extents = [
      ['in', 1],
      ['out', 8],
    ];
    const withZero = [0, 8, 8, 8, 8, 8, 8, 8];

    it('per field: wraps', () => expectWords(zeros('field'), row, withZero, [0x7777777f]));
    it('per word: borrows from the next field', () => expectWords(zeros('word'), row, withZero, [0x7777776f]));
    it('per word: bits above the last field stay zero', () => {
      const tenPerWord = form('u3', 'I32', [1, 1], {
        axes: [[whole('in')], [quotient('out', 10)]],
        packed: { bits: 3, word: 32, fields: [remainder('out', 10)] },
        add: { value: 1, carry: 'word' },
      });
      // 0 - 0o1111111111, without its two top bits.
      expectWords(
        tenPerWord,
        [
          ['in', 1],
          ['out', 10],
        ],
        Array<number>(10).fill(0),
        [0x36db6db7],
      );
    });
    it('a word written one way and read the other way is off by one', () => {
      expect([...decodeCodes(zeros('field'), bytesOf([0x7777776f]), row)]).toEqual([0, 7, 8, 8, 8, 8, 8, 8]);
      expect([...decodeCodes(zeros('word'), bytesOf([0x7777777f]), row)]).toEqual([0, 9, 8, 8, 8, 8, 8, 8]);
      expect([...decodeCodes(zeros('word'), bytesOf([0xffffffff]), row)]).toEqual([0, 1, 1, 1, 1, 1, 1, 1]);
    });
  });
});

describe('compressed-tensors', () => {
  const offset = (bits: number) => ({ value: -(2 ** (bits - 1)), carry: 'field' }) as const;
  const dense = (bits: number): Layout => ({
    axes: [[whole('out')], [whole('in')]],
    packed: { bits, word: 32, stream: 1 },
    add: offset(bits),
  });
  const legacy = (bits: number): Layout => {
    const perWord = Math.floor(32 / bits);
    return {
      axes: [[whole('out')], [quotient('in', perWord)]],
      packed: { bits, word: 32, fields: [remainder('in', perWord)] },
      add: offset(bits),
    };
  };
  const row = (count: number): Extents => [
    ['out', 1],
    ['in', count],
  ];
  const three = [-4, -1, 0, 3, 2, -2, 1, -3, 3, 0, -4, 2];
  const five = [-16, 15, 0, -1, 7, -8, 3];

  it('int4, with a tail', () => {
    expectWords(form('i4', 'I32', [1, 1], dense(4)), row(8), [-8, -3, 0, 5, 7, -1, 2, 4], [0xca7fd850]);
    expectWords(form('i4', 'I32', [1, 2], dense(4)), row(10), [-8, -3, 0, 5, 7, -1, 2, 4, -7, 6], [0xca7fd850, 0xe1]);
    expectWords(form('i4', 'I32', [1, 2], legacy(4)), row(10), [-8, -3, 0, 5, 7, -1, 2, 4, -7, 6], [0xca7fd850, 0xe1]);
  });

  it('int8', () => {
    expectWords(form('i8', 'I32', [1, 2], dense(8)), row(5), [-128, -1, 0, 127, 5], [0xff807f00, 0x85]);
  });

  it('3 and 5 bits: dense across words, legacy with unused bits', () => {
    expectWords(form('i3', 'I32', [1, 2], dense(3)), row(12), three, [0x27356f18, 0x0000000c]);
    expectWords(form('i3', 'I32', [1, 2], legacy(3)), row(12), three, [0x27356f18, 0x00000030]);
    expectWords(form('i5', 'I32', [1, 2], dense(5)), row(7), five, [0xd177c3e0, 0x00000004]);
    expectWords(form('i5', 'I32', [1, 2], legacy(5)), row(7), five, [0x1177c3e0, 0x00000013]);
  });

  it('zero points packed along out', () => {
    const columns = [
      [-8, 0, 1, 3, -5, 6, -2, 7, 2, -4],
      [7, -1, 2, 4, -6, 5, -3, 0, 1, -7],
    ];
    const zeros = form('i4', 'I32', [2, 2], {
      axes: [[whole('out')], [whole('in')]],
      packed: { bits: 4, word: 32, stream: 0 },
      add: offset(4),
    });
    expectWords(
      zeros,
      [
        ['in', 2],
        ['out', 10],
      ],
      columns.flat(),
      [0xf6e3b980, 0x85d2ca7f, 0x4a, 0x19],
    );
  });

  it('e2m1 nibbles, low first', () => {
    const stored = form('f4e2m1', 'U8', [1, 4], {
      axes: [[whole('out')], [quotient('in', 2)]],
      packed: { bits: 4, word: 8, fields: [remainder('in', 2)] },
    });
    const bytes = Uint8Array.of(0xf1, 0x58, 0x32, 0xc6);
    expect([...decodeStored(stored, bytes, row(8))]).toEqual([0.5, -6, -0, 3, 1, 1.5, 4, -2]);
  });
});

describe('ModelSlim', () => {
  it('int4 packed along out, even row low', () => {
    const stored = form('i4', 'I8', [2, 2], {
      axes: [[quotient('out', 2)], [whole('in')]],
      packed: { bits: 4, word: 8, fields: [remainder('out', 2)] },
    });
    const codes = [1, -8, -1, 7, 3, 0, -2, -5];
    const extents: Extents = [
      ['out', 4],
      ['in', 2],
    ];
    const bytes = encodeStored(codes, stored, extents);
    expect([...new Int8Array(bytes.buffer)]).toEqual([-15, 120, -29, -80]);
    expect([...decodeCodes(stored, bytes, extents)]).toEqual(codes);
  });

  it('a scale kept as f32 bits inside int64', () => {
    const stored = form('f32', 'I64', [2], {
      axes: [[whole('out')]],
      packed: { bits: 32, word: 64, fields: [] },
    });
    const bytes = new Uint8Array(BigInt64Array.of(0x3f80_0000n, 0x3e80_0000n).buffer);
    expect([...decodeStored(stored, bytes, [['out', 2]])]).toEqual([1, 0.25]);
  });
});

describe('Quark', () => {
  const packed = (fields: 'reorder' | 'order'): Layout => ({
    axes: [[whole('in')], [quotient('out', 8)]],
    packed: {
      bits: 4,
      word: 32,
      fields: fields === 'order' ? [remainder('out', 8)] : [remainder('out', 2), remainder('out', 4, 2)],
    },
  });

  it('reorder and order', () => {
    const row: Extents = [
      ['in', 1],
      ['out', 8],
    ];
    const natural = [0, 1, 2, 3, 4, 5, 6, 7];
    const signed = [-8, -7, -1, 0, 1, 2, 6, 7];
    expectWords(form('u4', 'I32', [1, 1], packed('reorder')), row, natural, [0x75316420]);
    expectWords(form('u4', 'I32', [1, 1], packed('order')), row, natural, [0x76543210]);
    expectWords(form('i4', 'I32', [1, 1], packed('reorder')), row, signed, [0x720961f8]);
    expectWords(form('i4', 'I32', [1, 1], packed('order')), row, signed, [0x76210f98]);
  });

  it('a transposed weight', () => {
    const codes = Array.from({ length: 32 }, (_, index) => (Math.floor(index / 4) + 2 * (index % 4)) % 16);
    const table: Extents = [
      ['out', 8],
      ['in', 4],
    ];
    const reordered = [0x75316420, 0x97538642, 0xb975a864, 0xdb97ca86];
    expectWords(form('u4', 'I32', [4, 1], packed('reorder')), table, codes, reordered);
    const ordered = [0x76543210, 0x98765432, 0xba987654, 0xdcba9876];
    expectWords(form('u4', 'I32', [4, 1], packed('order')), table, codes, ordered);
  });

  it('int3: eight values in three bytes', () => {
    const stored = form('i3', 'U8', [1, 3], {
      axes: [[whole('out')], [whole('in')]],
      packed: { bits: 3, word: 8, stream: 1 },
    });
    const extents: Extents = [
      ['out', 1],
      ['in', 8],
    ];
    const codes = [0, 1, 2, 3, -4, -3, -2, -1];
    const bytes = encodeStored(codes, stored, extents);
    expect([...bytes]).toEqual([0x88, 0xc6, 0xfa]);
    expect([...decodeCodes(stored, bytes, extents)]).toEqual(codes);
  });
});

describe('plain tensors', () => {
  it('f4 elements of a sub-byte dtype', () => {
    const stored = form('f4e2m1', 'F4', [2, 2], plain('out', 'in'));
    expect([
      ...decodeStored(stored, Uint8Array.of(0x21, 0xf7), [
        ['out', 2],
        ['in', 2],
      ]),
    ]).toEqual([0.5, 1, 6, -6]);
  });

  it('wider than 32 bits', () => {
    const bytes = new Uint8Array(BigInt64Array.of(-3n, 7n).buffer);
    expect([...decodeCodes(form('i64', 'I64', [2], plain('in')), bytes, [['in', 2]])]).toEqual([-3, 7]);
    expect([...decodeStored(form('i64', 'I64', [2], plain('in')), bytes, [['in', 2]])]).toEqual([-3, 7]);
    const doubles = new Uint8Array(Float64Array.of(0.5, 1 / 3).buffer);
    expect([...decodeStored(form('f64', 'F64', [2], plain('in')), doubles, [['in', 2]])]).toEqual([
      0.5,
      Math.fround(1 / 3),
    ]);
  });

  it('one expert of a fused tensor, and a slice of it', () => {
    const bytes = Uint8Array.from({ length: 24 }, (_, index) => index);
    const stored = { ...form('u8', 'U8', [2, 3, 4], plain('expert', 'out', 'in')), origin: { expert: 1, in: 2 } };
    expect([
      ...decodeCodes(stored, bytes, [
        ['out', 3],
        ['in', 2],
      ]),
    ]).toEqual([14, 15, 18, 19, 22, 23]);
    expect([
      ...decodeCodes({ ...stored, origin: { out: 2 } }, bytes, [
        ['expert', 2],
        ['in', 4],
      ]),
    ]).toEqual([8, 9, 10, 11, 20, 21, 22, 23]);
  });

  it('a scalar, for whatever extent', () => {
    expect([
      ...decodeStored(form('u8', 'U8', [], plain()), Uint8Array.of(9), [
        ['out', 1],
        ['in', 3],
      ]),
    ]).toEqual([9, 9, 9]);
    expect([...decodeStored(form('u8', 'U8', [1], plain(undefined)), Uint8Array.of(9), [])]).toEqual([9]);
  });
});
