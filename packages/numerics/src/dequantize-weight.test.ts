import {
  type DType,
  type ElementType,
  type Layout,
  plain,
  type QuantizedWeight,
  quotient,
  remainder,
  type Stored,
  sliceWeight,
  TensorError,
  whole,
} from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { dequantizeWeight } from './dequantize-weight.ts';
import { encodeElements } from './elements.ts';

/** Descriptions with their bytes beside them. */
function bench() {
  const contents = new Map<string, Uint8Array>();
  const stored = (
    name: string,
    type: ElementType,
    dtype: DType,
    shape: readonly number[],
    layout: Layout,
    bytes: Uint8Array,
  ): Stored => {
    contents.set(name, bytes);
    return { ref: { name, dtype, shape, file: 'model.safetensors', start: 0, end: bytes.length }, type, layout };
  };
  const f32 = (name: string, shape: readonly number[], values: readonly number[], layout = plain('out', 'in')) =>
    stored(name, 'f32', 'F32', shape, layout, encodeElements(values, 'f32'));
  return { stored, f32, read: (ref: { name: string }) => contents.get(ref.name)! };
}

describe('AWQ gemm', () => {
  const { stored, f32, read } = bench();
  const packed: Layout = {
    axes: [[whole('in')], [quotient('out', 8)]],
    packed: { bits: 4, word: 32, fields: [remainder('out', 2), remainder('out', 4, 2)] },
  };
  const words = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
  const scales = [0x224c, 0x2a66, 0x1419, 0x3e00, 0x3554, 0x2000, 0x4000, 0x2e66];

  it('one row, half-precision scales: rounds to the published halves', () => {
    const weight: QuantizedWeight = {
      outFeatures: 8,
      inFeatures: 1,
      codes: stored('qweight', 'u4', 'I32', [1, 1], packed, words(0x609ef813)),
      zero: { ...stored('qzeros', 'u4', 'I32', [1, 1], packed, words(0x1f978088)), block: [1, 1] },
      scales: [
        {
          ...stored(
            'scales',
            'f16',
            'F16',
            [1, 8],
            plain('in', 'out'),
            new Uint8Array(Uint16Array.from(scales).buffer),
          ),
          block: [1, 1],
        },
      ],
    };
    const halves = new Uint16Array(encodeElements(dequantizeWeight(weight, read), 'f16').buffer);
    expect([...halves]).toEqual([0xabdf, 0x3599, 0x9f2c, 0x0000, 0x4154, 0xaf80, 0x4b00, 0x3800]);
  });

  it('two rows times a vector', () => {
    const weight: QuantizedWeight = {
      outFeatures: 8,
      inFeatures: 2,
      codes: stored('qweight', 'u4', 'I32', [2, 1], packed, words(0x609ef813, 0xf9880788)),
      zero: { ...stored('qzeros', 'u4', 'I32', [1, 1], packed, words(0x1f978088)), block: [1, 2] },
      scales: [
        { ...f32('scales', [1, 8], [0.5, 0.25, 1, 2, 0.125, 0.0625, 0.5, 1], plain('in', 'out')), block: [1, 2] },
      ],
    };
    const values = dequantizeWeight(weight, read);
    const y = Array.from({ length: 8 }, (_, o) => 2 * values[2 * o]! - values[2 * o + 1]!);
    expect(y).toEqual([-5, 3.25, -14, 2, 1.125, -1.5, 11, -4]);
  });
});

describe('GPTQ with a group index', () => {
  const { stored, f32, read } = bench();
  const int32 = (...values: number[]) => new Uint8Array(Int32Array.from(values).buffer);
  const weight = (groups: readonly number[]): QuantizedWeight => ({
    outFeatures: 8,
    inFeatures: 8,
    codes: stored(
      'qweight',
      'u4',
      'I32',
      [1, 8],
      { axes: [[quotient('in', 8)], [whole('out')]], packed: { bits: 4, word: 32, fields: [remainder('in', 8)] } },
      int32(-679955953, -1606464438, 1927082314, -2010351650, 1339784681, 2006549516, 1813353853, 1041204435),
    ),
    zero: {
      ...stored(
        'qzeros',
        'u4',
        'I32',
        [2, 1],
        {
          axes: [[whole('in')], [quotient('out', 8)]],
          packed: { bits: 4, word: 32, fields: [remainder('out', 8)] },
          add: { value: 1, carry: 'field' },
        },
        int32(2004318071, 1970763894),
      ),
      block: [1, 4],
      indexed: true,
    },
    scales: [
      {
        ...f32('scales', [2, 8], [...Array<number>(8).fill(0.5), ...Array<number>(8).fill(0.25)], plain('in', 'out')),
        block: [1, 4],
        indexed: true,
      },
    ],
    groupIndex: stored('g_idx', 'i32', 'I32', [8], plain('in'), int32(...groups)),
  });

  it('takes each feature’s group from it', () => {
    const values = dequantizeWeight(weight([1, 0, 0, 1, 1, 0, 1, 0]), read);
    const column = (i: number) => Array.from({ length: 8 }, (_, o) => values[8 * o + i]);
    expect(column(0)).toEqual([2, 0.5, 0.25, 1.5, 0.25, 1, 1.75, -1.25]);
    expect(column(1)).toEqual([-4, -2, -2, 2.5, 3, -4, -0.5, 2.5]);
    const x = [1, 0, -1, 2, 0, 1, 0.5, -2];
    const y = Array.from({ length: 8 }, (_, o) => x.reduce((sum, one, i) => sum + one * values[8 * o + i]!, 0));
    expect(y).toEqual([1.5, -9, 9.375, -1.5, 4.625, 4.375, 4, 2.5]);
  });

  it('goes with a slice, also one shorter than a group', () => {
    const indexed = weight([1, 0, 0, 1, 1, 0, 1, 0]);
    for (const [start, end] of [
      [0, 8],
      [0, 1],
      [1, 3],
      [4, 8],
    ] as const) {
      const { axes } = plain('in', 'out');
      // Codes plain, so that a slice may begin anywhere.
      const codes = stored(
        'codes',
        'u8',
        'U8',
        [8, 8],
        { axes },
        Uint8Array.from({ length: 64 }, (_, at) => at % 13),
      );
      const whole = dequantizeWeight({ ...indexed, codes }, read);
      const part = dequantizeWeight(sliceWeight({ ...indexed, codes }, 'in', start, end, 'a'), read);
      const expected = Array.from({ length: 8 }, (_, o) => [...whole.subarray(8 * o + start, 8 * o + end)]).flat();
      expect([...part]).toEqual(expected);
    }
  });

  it('must be there for a table that is marked indexed', () => {
    const { groupIndex: _, ...without } = weight([0]);
    expect(() => dequantizeWeight(without, read)).toThrow('qzeros: marked indexed, but the weight has no group index');
  });

  it('leaves tables alone that are not marked', () => {
    const indexed = weight([1, 0, 0, 1, 1, 0, 1, 0]);
    const perChannel = f32('per_channel', [8, 1], [2, 1, 1, 1, 1, 1, 1, 1]);
    const once = dequantizeWeight(indexed, read);
    const twice = dequantizeWeight({ ...indexed, scales: [...indexed.scales, { ...perChannel, block: [1, 8] }] }, read);
    expect([...twice]).toEqual(Array.from(once, (value, at) => (at < 8 ? value * 2 : value)));
  });

  it('refuses groups that the tables do not have', () => {
    const run = (groups: readonly number[]) => () => dequantizeWeight(weight(groups), read);
    expect(run([1, 0, 0, 2, 1, 0, 1, 0])).toThrow(TensorError);
    expect(run([1, 0, 0, 2, 1, 0, 1, 0])).toThrow(
      'tensor g_idx: expected group numbers below 2, the groups of qzeros, found group 2',
    );
    expect(run([1, 0, 0, 2 ** 31 - 1, 1, 0, 1, 0])).toThrow('found group 2147483647');
    expect(run([1, -1, 0, 0, 1, 0, 1, 0])).toThrow('tensor g_idx: expected group numbers from 0 on, found group -1');
  });
});

it('blocks: the last one of each axis may be partial', () => {
  const { stored, f32, read } = bench();
  const values = dequantizeWeight(
    {
      outFeatures: 3,
      inFeatures: 3,
      codes: stored(
        'weight',
        'f8e4m3',
        'F8_E4M3',
        [3, 3],
        plain('out', 'in'),
        encodeElements([2, 4, 3, 8, 10, 6, 3.5, 4, 2.25], 'f8e4m3'),
      ),
      scales: [{ ...f32('weight_scale', [2, 2], [0.5, 1, 2, 4]), block: [2, 2] }],
    },
    read,
  );
  expect([...values]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

it('several scales are combined first, from the left, each step rounded to f32; one may divide', () => {
  const { stored, f32, read } = bench();
  const [block, global, token] = [Math.fround(0.1), Math.fround(2688 / 1.7), Math.fround(1 / 3)];
  const weight: QuantizedWeight = {
    outFeatures: 1,
    inFeatures: 2,
    codes: stored('weight', 'i8', 'I8', [1, 2], plain('out', 'in'), Uint8Array.of(77, 256 - 3)),
    scales: [
      { ...f32('scale', [1, 2], [block, token]), block: [1, 1] },
      { ...f32('global', [1], [global], plain(undefined)), block: [1, 2], divide: true },
      { ...f32('second', [1, 1], [token]), block: [1, 2] },
    ],
  };
  const factor = (first: number) => Math.fround(Math.fround(first / global) * token);
  expect([...dequantizeWeight(weight, read)]).toEqual([
    Math.fround(77 * factor(block)),
    Math.fround(-3 * factor(token)),
  ]);
  const [, divisor] = weight.scales;
  expect([...dequantizeWeight({ ...weight, scales: [divisor!] }, read)]).toEqual([
    Math.fround(77 * Math.fround(1 / global)),
    Math.fround(-3 * Math.fround(1 / global)),
  ]);
});

it('a scale marked afterwards multiplies the scaled code, rounded, and those after it', () => {
  const { stored, f32, read } = bench();
  const [group, row, last] = [Math.fround(0.1), Math.fround(1 / 3), Math.fround(0.7)];
  const codes = [77, -3, 5, -100];
  const weight: QuantizedWeight = {
    outFeatures: 1,
    inFeatures: 4,
    codes: stored(
      'weight',
      'i8',
      'I8',
      [1, 4],
      plain('out', 'in'),
      Uint8Array.from(codes, (code) => code & 255),
    ),
    scales: [
      { ...f32('group', [1, 1], [group]), block: [1, 4] },
      { ...f32('row', [1, 1], [row]), block: [1, 4], afterwards: true },
      { ...f32('last', [1, 1], [last]), block: [1, 4] },
    ],
  };
  const expected = codes.map((code) => Math.fround(Math.fround(code * group) * Math.fround(row * last)));
  const combined = codes.map((code) => Math.fround(code * Math.fround(Math.fround(group * row) * last)));
  expect(expected).not.toEqual(combined);
  expect([...dequantizeWeight(weight, read)]).toEqual(expected);
});

it('a shift is added after the product was rounded', () => {
  const { stored, f32, read } = bench();
  const [scale, shift] = [Math.fround(0.1), Math.fround(-0.7)];
  const weight: QuantizedWeight = {
    outFeatures: 1,
    inFeatures: 3,
    codes: stored('weight', 'u8', 'U8', [1, 3], plain('out', 'in'), Uint8Array.of(7, 9, 200)),
    scales: [{ ...f32('scale', [1, 1], [scale]), block: [1, 3] }],
    shift: { ...f32('shift', [1, 1], [shift]), block: [1, 3] },
  };
  const expected = [7, 9, 200].map((code) => Math.fround(Math.fround(code * scale) + shift));
  expect([...dequantizeWeight(weight, read)]).toEqual(expected);
});

it('no scales: the codes are the weights', () => {
  const { f32, read } = bench();
  const codes = f32('weight', [2, 2], [1, 2, 3, 4]);
  expect([...dequantizeWeight({ outFeatures: 2, inFeatures: 2, codes, scales: [] }, read)]).toEqual([1, 2, 3, 4]);
});

it('a table that ends before the weight does', () => {
  const { f32, read } = bench();
  const weight: QuantizedWeight = {
    outFeatures: 2,
    inFeatures: 2,
    codes: f32('weight', [2, 2], [1, 2, 3, 4]),
    scales: [{ ...f32('scale', [1, 2], [1, 2]), block: [1, 1] }],
  };
  expect(() => dequantizeWeight(weight, read)).toThrow(
    'scale: element (out 1, in 0) is at index 1 of dimension 0, outside 0..0 of F32 [1, 2]',
  );
});
