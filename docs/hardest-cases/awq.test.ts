import { type Layout, plain, type QuantizedWeight, quotient, remainder, whole } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { describe, expect, it } from 'vitest';
import { ExampleTensors } from './example-tensors.ts';

describe('AWQ', () => {
  it('gemm: even and odd columns in halves of a word', () => {
    const tensors = new ExampleTensors();
    const qweight = tensors.add('qweight', 'I32', [2, 1], Uint32Array.of(0x609ef813, 0xf9880788));
    const qzeros = tensors.add('qzeros', 'I32', [1, 1], Uint32Array.of(0x1f978088));
    const scales = tensors.add('scales', 'F32', [1, 8], Float32Array.of(0.5, 0.25, 1, 2, 0.125, 0.0625, 0.5, 1));

    // #region awq-gemm
    const gemm: Layout = {
      axes: [[whole('in')], [quotient('out', 8)]],
      packed: { bits: 4, word: 32, fields: [remainder('out', 2), remainder('out', 4, 2)] },
    };
    const weight: QuantizedWeight = {
      outFeatures: 8,
      inFeatures: 2,
      codes: { ref: qweight, type: 'u4', layout: gemm },
      zero: { ref: qzeros, type: 'u4', layout: gemm, block: [1, 2] },
      scales: [{ ref: scales, type: 'f32', layout: plain('in', 'out'), block: [1, 2] }],
    };
    // #endregion

    const values = dequantizeWeight(weight, tensors.readNow);
    const x = [2, -1];
    const y = Array.from({ length: 8 }, (_, o) => x[0]! * values[o * 2]! + x[1]! * values[o * 2 + 1]!);
    expect(y).toEqual([-5, 3.25, -14, 2, 1.125, -1.5, 11, -4]);
  });

  it('gemv_fast: four rows interleaved, zeros stored multiplied by the scale', () => {
    const tensors = new ExampleTensors();
    const [outFeatures, inFeatures] = [8, 64];
    // The place of each code, written out the way the format's page does, not by the layout under test.
    const code = (o: number, i: number) => (3 * o + i) % 16;
    const words = new Uint16Array((outFeatures / 4) * inFeatures);
    for (let o = 0; o < outFeatures; o++) {
      for (let i = 0; i < inFeatures; i++) {
        const column = 64 * (i >> 6) + 16 * (o & 3) + 8 * ((i & 63) >> 5) + (i & 7);
        words[(o >> 2) * inFeatures + column]! |= code(o, i) << (4 * ((i & 31) >> 3));
      }
    }
    const qweight = tensors.add('qweight', 'I16', [2, 64], words);
    const scales = tensors.add('scales', 'F32', [1, 8], new Float32Array(8).fill(0.5));
    const qzeros = tensors.add('qzeros', 'F32', [1, 8], new Float32Array(8).fill(-0.5 * 7));

    // #region awq-gemv-fast
    const gemvFast: Layout = {
      axes: [
        [quotient('out', 4)],
        [quotient('in', 64), remainder('out', 4), remainder('in', 2, 32), remainder('in', 8)],
      ],
      packed: { bits: 4, word: 16, fields: [remainder('in', 4, 8)] },
    };
    const weight: QuantizedWeight = {
      outFeatures: 8,
      inFeatures: 64,
      codes: { ref: qweight, type: 'u4', layout: gemvFast },
      scales: [{ ref: scales, type: 'f32', layout: plain('in', 'out'), block: [1, 64] }],
      shift: { ref: qzeros, type: 'f32', layout: plain('in', 'out'), block: [1, 64] },
    };
    // #endregion

    const values = dequantizeWeight(weight, tensors.readNow);
    values.forEach((value, index) => {
      expect(value).toBe((code(Math.floor(index / 64), index % 64) - 7) * 0.5);
    });
  });
});
