import { decodeCodes, encodeStored } from '@lowbit/numerics';
import { describe, expect, it } from 'vitest';
import type { QuarkElement } from './element-formats.ts';
import type { PackMethod } from './export-settings.ts';
import { asVector, codesForm, type Dimension, type TensorForm, tableForm } from './quark-layout.ts';

const row = (size: number): Dimension => ({ axis: 'out', size });
const column = (size: number): Dimension => ({ axis: 'in', size });

function stored({ dtype, shape, layout, type }: TensorForm) {
  return { ref: { name: 'a.weight', dtype: dtype[0]!, shape }, type: type ?? 'i8', layout } as const;
}

/** Bytes of codes in row-major order over (out, in). */
function pack(element: QuarkElement, dimensions: readonly Dimension[], codes: readonly number[], order: PackMethod) {
  const sizeOf = (axis: Dimension['axis']) => dimensions.find((one) => one.axis === axis)?.size ?? 1;
  const extents = [
    ['out', sizeOf('out')],
    ['in', sizeOf('in')],
  ] as const;
  return encodeStored(codes, stored(codesForm(element, dimensions, order)), extents);
}

function words(bytes: Uint8Array): readonly string[] {
  return [...new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)].map((word) =>
    word.toString(16).padStart(8, '0').toUpperCase(),
  );
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(' ');
}

describe('four bits', () => {
  it.each<[QuarkElement, readonly number[], PackMethod, string]>([
    ['uint4', [0, 1, 2, 3, 4, 5, 6, 7], 'reorder', '75316420'],
    ['uint4', [0, 1, 2, 3, 4, 5, 6, 7], 'order', '76543210'],
    ['int4', [-8, -7, -1, 0, 1, 2, 6, 7], 'reorder', '720961F8'],
    ['int4', [-8, -7, -1, 0, 1, 2, 6, 7], 'order', '76210F98'],
  ])('%s %j in %s', (element, codes, order, word) => {
    expect(words(pack(element, [row(1), column(8)], codes, order))).toEqual([word]);
  });

  it.each<[PackMethod, readonly string[]]>([
    ['reorder', ['75316420', '97538642', 'B975A864', 'DB97CA86']],
    ['order', ['76543210', '98765432', 'BA987654', 'DCBA9876']],
  ])('transposed for groups, in %s', (order, expected) => {
    // q[out][in] = (out + 2 in) mod 16, N = 8, K = 4.
    const codes = Array.from({ length: 32 }, (_, index) => (Math.floor(index / 4) + 2 * (index % 4)) % 16);
    const dimensions = [column(4), row(8)];
    expect(codesForm('uint4', dimensions, order).shape).toEqual([4, 1]);
    expect(words(pack('uint4', dimensions, codes, order))).toEqual(expected);
  });

  it('fills up the last word', () => {
    expect(codesForm('uint4', [row(2), column(12)], 'reorder').shape).toEqual([2, 2]);
  });

  it('one zero point for a tensor is the low nibble of a word', () => {
    const form = codesForm('int4', [], 'reorder');
    expect(form).toMatchObject({ dtype: ['I32'], shape: [] });
    const bytes = new Uint8Array(Int32Array.of(-3).buffer);
    expect([...decodeCodes(stored(form), bytes, [])]).toEqual([-3]);
    expect([...decodeCodes(stored(asVector(form)), bytes, [])]).toEqual([-3]);
  });
});

describe('streams', () => {
  it('int3', () => {
    expect(hex(pack('int3', [row(1), column(8)], [0, 1, 2, 3, -4, -3, -2, -1], 'reorder'))).toBe('88 C6 FA');
  });

  it('fp6: four codes in three bytes', () => {
    expect(hex(pack('fp6_e2m3', [row(1), column(4)], [1, 2, 3, 63], 'reorder'))).toBe('81 30 FC');
    expect(codesForm('fp6_e3m2', [row(2), column(32)], 'order').shape).toEqual([2, 24]);
  });
});

describe('bytes', () => {
  it('fp4: the low half first', () => {
    // 6, -4, 0, 1, 2, 4, 1, -0
    expect(hex(pack('fp4', [row(1), column(8)], [7, 14, 0, 2, 4, 6, 2, 8], 'reorder'))).toBe('E7 20 64 82');
  });

  it.each<[QuarkElement, readonly string[]]>([
    ['int2', ['I32', 'I8']],
    ['int8', ['I8']],
    ['uint8', ['U8']],
    ['fp8_e4m3', ['F8_E4M3']],
    ['fp8_e5m2', ['F8_E5M2']],
  ])('%s: one to an element of %j', (element, dtype) => {
    expect(codesForm(element, [row(2), column(3)], 'reorder')).toEqual({
      dtype,
      shape: [2, 3],
      layout: { axes: [[{ axis: 'out', divide: 1 }], [{ axis: 'in', divide: 1 }]] },
    });
  });
});

it('tables have one number to an element', () => {
  expect(tableForm(['U8'], [row(2), column(3)], 'e8m0')).toEqual({
    dtype: ['U8'],
    shape: [2, 3],
    layout: { axes: [[{ axis: 'out', divide: 1 }], [{ axis: 'in', divide: 1 }]] },
    type: 'e8m0',
  });
});
