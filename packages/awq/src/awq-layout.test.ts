import { type DType, wordPeriod } from '@lowbit/core';
import { decodeCodes, encodeStored } from '@lowbit/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AwqFormat, awqTensors, type TensorForm, zeroWidth } from './awq-layout.ts';

type Bits = 2 | 3 | 4 | 5 | 6 | 7 | 8;

function form(format: AwqFormat, outFeatures: number, inFeatures: number, groupSize = 128, bits = 4) {
  return awqTensors[format]({ outFeatures, inFeatures, groupSize, bits });
}

function stored({ dtype, shape, layout }: TensorForm, bits: Bits = 4) {
  return { ref: { name: 'a.qweight', dtype: dtype[0] as DType, shape }, type: `u${bits}`, layout } as const;
}

/** Words of codes given by (out, in). */
function pack(tensor: TensorForm, codes: readonly number[], out: number, inputs: number, bits: Bits = 4) {
  return encodeStored(codes, stored(tensor, bits), [
    ['out', out],
    ['in', inputs],
  ]);
}

function words(bytes: Uint8Array): number[] {
  return [...new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)];
}

const row = [3, 14, 1, 9, 8, 0, 15, 6];

describe('gemm, 4-bit', () => {
  const oneWord = form('gemm', 8, 1).qweight;

  it.each([
    [row, 0x609ef813],
    [[8, 7, 8, 9, 0, 15, 8, 1], 0x1f978088],
    [[0, 1, 2, 3, 4, 5, 6, 7], 0x75316420],
    [Array(8).fill(8), 0x88888888],
  ])('packs columns %j', (codes, word) => {
    expect(words(pack(oneWord, codes, 8, 1))).toEqual([word]);
  });

  it('puts each column in its own bits', () => {
    const ones = Array.from({ length: 8 }, (_, j) =>
      words(
        pack(
          oneWord,
          Array.from({ length: 8 }, (_, column) => (column === j ? 15 : 0)),
          8,
          1,
        ),
      ),
    );
    expect(ones.flat()).toEqual([
      0x0000000f, 0x000f0000, 0x000000f0, 0x00f00000, 0x00000f00, 0x0f000000, 0x0000f000, 0xf0000000,
    ]);
  });

  it('packs columns of fused modules as it packs them apart', () => {
    const codes = [0, 1, 2, 3, 4, 5, 6, 7, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
    expect(words(pack(form('gemm', 24, 1).qweight, codes, 24, 1))).toEqual([0x75316420, 0x8ace9bdf, 0x02461357]);
  });

  it.each([
    [4096, 11008, 128, [4096, 1376], [32, 1376], [32, 11008]],
    [4096, 4096, 64, [4096, 512], [64, 512], [64, 4096]],
    [64, 8, 32, [64, 1], [2, 1], [2, 8]],
  ])('shapes of K %i, N %i, G %i', (inFeatures, outFeatures, groupSize, qweight, qzeros, scales) => {
    const tensors = form('gemm', outFeatures, inFeatures, groupSize);
    expect(tensors).toMatchObject({
      qweight: { shape: qweight },
      qzeros: { shape: qzeros, holds: 'zero' },
      scales: { shape: scales },
    });
  });
});

describe('gemm, other widths', () => {
  // Bits of the columns one after the other, the first in the lowest bits.
  const stream = (codes: readonly number[], bits: number) => {
    let all = 0n;
    codes.forEach((code, index) => {
      all |= BigInt(code) << BigInt(index * bits);
    });
    const count = Math.ceil((codes.length * bits) / 32);
    return Array.from({ length: count }, (_, word) => Number((all >> BigInt(32 * word)) & 0xffffffffn));
  };

  it.each([2, 3, 5, 6, 7, 8] as const)('%i-bit columns follow each other without gaps', (bits) => {
    const table = fc
      .integer({ min: 1, max: 70 })
      .chain((columns) => fc.array(fc.nat(2 ** bits - 1), { minLength: columns, maxLength: columns }));
    fc.assert(
      fc.property(table, (codes) => {
        const tensor = form('gemm', codes.length, 1, 1, bits).qweight;
        expect(words(pack(tensor, codes, codes.length, 1, bits))).toEqual(stream(codes, bits));
      }),
    );
  });

  it.each([
    [2, [64, 8]],
    [3, [64, 12]],
    [8, [64, 32]],
  ])('%i-bit shape', (bits, shape) => {
    expect(form('gemm', 128, 64, 32, bits).qweight.shape).toEqual(shape);
  });
});

describe('gemv', () => {
  it('packs inputs in natural order', () => {
    expect(words(pack(form('gemv', 1, 8).qweight, row, 1, 8))).toEqual([0x6f0891e3]);
  });

  it.each([
    [4096, 128, 4],
    [4096, 64, 8],
    [4096, 32, 16],
    [11008, 128, 11],
    [512, 64, 2],
    [128, 256, 1],
  ])('pads tables: K %i, G %i -> zw %i', (inFeatures, groupSize, width) => {
    expect(zeroWidth(inFeatures, groupSize)).toBe(width);
    expect(form('gemv', 16, inFeatures, groupSize)).toMatchObject({
      qweight: { shape: [16, inFeatures / 8] },
      qzeros: { shape: [16, width] },
      scales: { shape: [16, 8 * width] },
    });
    expect(form('gemv_fast', 16, inFeatures, groupSize)).toMatchObject({
      qweight: { shape: [4, inFeatures] },
      qzeros: { shape: [8 * width, 16], holds: 'shift' },
      scales: { shape: [8 * width, 16] },
    });
  });
});

describe('gemv_fast', () => {
  it('interleaves as its packer shuffles', () => {
    const [N, K] = [8, 128];
    const codes = Array.from({ length: N * K }, (_, index) => (index * 7 + (index >> 4)) % 16);
    const packed = new Uint16Array((N / 4) * K);
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) {
        // Within 32 inputs: [4][4][2] becomes [4][4][2] with the first two axes swapped.
        const [a, b, c] = [(k >> 3) & 3, (k >> 1) & 3, k & 1];
        const swapped = b * 8 + a * 2 + c;
        // Within eight: even ones first, then odd ones.
        const sorted = (swapped & ~7) + (swapped & 1) * 4 + ((swapped >> 1) & 3);
        // Four rows of 64 laid end to end are cut into words of four.
        const flat = (n & 3) * 64 + (k & 32) + sorted;
        packed[(n >> 2) * K + (k & ~63) + (flat >> 2)]! |= codes[n * K + k]! << (4 * (flat & 3));
      }
    }
    const bytes = pack(form('gemv_fast', N, K).qweight, codes, N, K);
    expect([...new Uint16Array(bytes.buffer, bytes.byteOffset, packed.length)]).toEqual([...packed]);
  });

  it('keeps words of 32 inputs and 4 rows together', () => {
    const { layout } = form('gemv_fast', 8, 128).qweight;
    expect([wordPeriod(layout, 'in'), wordPeriod(layout, 'out')]).toEqual([32, 1]);
  });
});

describe('every layout', () => {
  it.each<[AwqFormat, Bits]>([
    ['gemm', 2],
    ['gemm', 3],
    ['gemm', 4],
    ['gemm', 5],
    ['gemm', 6],
    ['gemm', 7],
    ['gemm', 8],
    ['gemv', 4],
    ['gemv_fast', 4],
  ])('%s at %i bits packs and unpacks without loss, both ways', (format, bits) => {
    const [N, K] = [32, 64];
    const tensor = form(format, N, K, 32, bits).qweight;
    const extents = [
      ['out', N],
      ['in', K],
    ] as const;
    const bytes = fc.uint8Array({ minLength: (N * K * bits) / 8, maxLength: (N * K * bits) / 8 });
    fc.assert(
      fc.property(bytes, (random) => {
        const codes = decodeCodes(stored(tensor, bits), random, extents);
        expect(encodeStored(codes, stored(tensor, bits), extents)).toEqual(random);
      }),
      { numRuns: 20 },
    );
  });
});
