import type { DType } from '@lowbit/core';
import { decodeCodes, encodeStored } from '@lowbit/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gptqTensors, type TensorForm } from './gptq-layout.ts';

type Bits = 2 | 3 | 4 | 8;
const allBits: readonly Bits[] = [2, 3, 4, 8];

function stored({ dtype, shape, layout }: TensorForm, bits: Bits) {
  return { ref: { name: 'a.tensor', dtype: dtype[0] as DType, shape }, type: `u${bits}`, layout } as const;
}

/** One output feature with these codes along the input. */
function packInputs(codes: readonly number[], bits: Bits): number[] {
  const { qweight } = gptqTensors({ outFeatures: 1, inFeatures: codes.length, groups: 1, bits }, 'gptq');
  return words(
    encodeStored(codes, stored(qweight, bits), [
      ['out', 1],
      ['in', codes.length],
    ]),
  );
}

/** Zero points of the output features of one group. */
function packZeros(zeros: readonly number[], bits: Bits, format: 'gptq' | 'gptq_v2'): number[] {
  const { qzeros } = gptqTensors({ outFeatures: zeros.length, inFeatures: 1, groups: 1, bits }, format);
  return words(
    encodeStored(zeros, stored(qzeros, bits), [
      ['out', zeros.length],
      ['in', 1],
    ]),
  );
}

function unpackZeros(packed: readonly number[], bits: Bits, format: 'gptq' | 'gptq_v2'): number[] {
  const outFeatures = (packed.length * 32) / bits;
  const { qzeros } = gptqTensors({ outFeatures, inFeatures: 1, groups: 1, bits }, format);
  const bytes = new Uint8Array(Uint32Array.from(packed).buffer);
  return [
    ...decodeCodes(stored(qzeros, bits), bytes, [
      ['out', outFeatures],
      ['in', 1],
    ]),
  ];
}

function words(bytes: Uint8Array): number[] {
  return [...new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)];
}

function block(...codes: readonly (readonly [index: number, code: number])[]): number[] {
  const values = new Array<number>(32).fill(0);
  for (const [index, code] of codes) values[index] = code;
  return values;
}

describe('codes', () => {
  it.each<[Bits, readonly number[], readonly number[]]>([
    [4, [1, 2, 3, 4, 5, 6, 7, 8], [0x87654321]],
    [4, [3, 14, 1, 9, 8, 0, 15, 6], [0x6f0891e3]],
    [2, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], [0xe4e4e4e4]],
    [8, [1, 2, 128, 255], [0xff800201]],
    [3, Array.from({ length: 32 }, (_, i) => i % 8), [0x88fac688, 0xc688fac6, 0xfac688fa]],
    [3, block([10, 7]), [0xc0000000, 0x00000001, 0]],
    [3, block([21, 7]), [0, 0x80000000, 0x00000003]],
    [3, block([10, 5], [21, 6]), [0x40000000, 0x00000001, 0x00000003]],
  ])('%i-bit %j', (bits, codes, expected) => {
    expect(packInputs(codes, bits)).toEqual(expected);
  });

  it.each(allBits)('%i-bit codes follow each other without gaps', (bits) => {
    const blocks = fc.integer({ min: 1, max: 3 });
    const codesOf = (count: number) => fc.array(fc.nat(2 ** bits - 1), { minLength: count, maxLength: count });
    fc.assert(
      fc.property(
        blocks.chain((count) => codesOf(32 * count)),
        (codes) => {
          let all = 0n;
          codes.forEach((code, index) => {
            all |= BigInt(code) << BigInt(index * bits);
          });
          const count = (codes.length * bits) / 32;
          const expected = Array.from({ length: count }, (_, word) => Number((all >> BigInt(32 * word)) & 0xffffffffn));
          expect(packInputs(codes, bits)).toEqual(expected);
          expect(packZeros(codes, bits, 'gptq_v2')).toEqual(expected);
        },
      ),
    );
  });
});

describe('zero points', () => {
  it.each<[Bits, readonly number[], readonly number[]]>([
    [2, [0x55555555], [0xaaaaaaaa]],
    [3, [0xdb6db6db, 0xb6db6db6, 0x6db6db6d], [0x24924924, 0x49249249, 0x92492492]],
    [4, [0x77777777], [0x88888888]],
    [8, [0x7f7f7f7f], [0x80808080]],
  ])('%i-bit, the middle, in both versions', (bits, v1, v2) => {
    const middle = new Array<number>((v1.length * 32) / bits).fill(2 ** (bits - 1));
    expect(unpackZeros(v1, bits, 'gptq')).toEqual(middle);
    expect(unpackZeros(v2, bits, 'gptq_v2')).toEqual(middle);
    expect(packZeros(middle, bits, 'gptq')).toEqual(v1);
  });

  it('version 2 read as version 1 is off by one', () => {
    expect(unpackZeros([0x88888888], 4, 'gptq')).toEqual(new Array(8).fill(9));
  });

  it.each<[string, number, readonly number[]]>([
    ['subtracted from the word', 0x7777776f, [0, 8, 8, 8, 8, 8, 8, 8]],
    // Writers that went field by field, or worse: what they meant is lost.
    ['subtracted from each field', 0x7777777f, [0, 9, 8, 8, 8, 8, 8, 8]],
    ['negative fields joined by OR', 0xffffffff, [0, 1, 1, 1, 1, 1, 1, 1]],
  ])('a zero point of 0 in version 1, %s', (_, word, zeros) => {
    expect(unpackZeros([word], 4, 'gptq')).toEqual(zeros);
  });

  it.each([2, 4, 8] as const)('%i-bit: version 1 is version 2 less one in every field of the word', (bits) => {
    const count = 32 / bits;
    const ones = Number(BigInt.asUintN(32, 0xffffffffn / (2n ** BigInt(bits) - 1n)));
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** bits - 1), { minLength: count, maxLength: count }), (zeros) => {
        const [v2 = 0] = packZeros(zeros, bits, 'gptq_v2');
        expect(unpackZeros([(v2 - ones) >>> 0], bits, 'gptq')).toEqual(zeros);
      }),
    );
  });

  it('3-bit: each field wraps for itself', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(7), { minLength: 32, maxLength: 32 }), (zeros) => {
        const lessOne = zeros.map((zero) => (zero + 7) % 8);
        expect(unpackZeros(packZeros(lessOne, 3, 'gptq_v2'), 3, 'gptq')).toEqual(zeros);
      }),
    );
  });
});

describe('shapes', () => {
  it.each<[Bits, number, number]>([
    [2, 256, 688],
    [3, 384, 1032],
    [4, 512, 1376],
    [8, 1024, 2752],
  ])('%i-bit, 4096 inputs in groups of 128, 11008 outputs', (bits, rows, columns) => {
    expect(gptqTensors({ outFeatures: 11008, inFeatures: 4096, groups: 32, bits }, 'gptq')).toMatchObject({
      qweight: { dtype: ['I32'], shape: [rows, 11008] },
      qzeros: { dtype: ['I32'], shape: [32, columns] },
      scales: { shape: [32, 11008] },
      gIdx: { shape: [4096] },
    });
  });
});
