import { type Layout, plain, type QuantizedWeight, quotient, remainder, whole } from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { describe, expect, it } from 'vitest';
import { ExampleTensors } from './example-tensors.ts';

// #region nibbles
/** Two 4-bit codes in a byte, the first in the low half. */
const nibbles: Layout = {
  axes: [[whole('out')], [quotient('in', 2)]],
  packed: { bits: 4, word: 8, fields: [remainder('in', 2)] },
};
// #endregion

describe('floats', () => {
  const tensors = new ExampleTensors();

  it('blocks of FP8 whose last block is partial', () => {
    // 2 4 3 / 8 10 6 / 3.5 4 2.25
    const bytes = Uint8Array.of(0x40, 0x48, 0x44, 0x50, 0x52, 0x4c, 0x46, 0x48, 0x41);
    const codes = tensors.add('weight', 'F8_E4M3', [3, 3], bytes);
    const scale = tensors.add('weight_scale', 'F32', [2, 2], Float32Array.of(0.5, 1, 2, 4));
    // #region fp8-block
    const weight: QuantizedWeight = {
      outFeatures: 3,
      inFeatures: 3,
      codes: { ref: codes, type: 'f8e4m3', layout: plain('out', 'in') },
      scales: [{ ref: scale, type: 'f32', layout: plain('out', 'in'), block: [2, 2] }],
    };
    // #endregion
    expect([...dequantizeWeight(weight, tensors.readNow)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('NVFP4: a second scale for the whole tensor, which divides', () => {
    const bytes = Uint8Array.of(0x92, 0x07, 0x0b, 0xc2, 0xe6, 0xf6, 0x80, 0x42);
    const codes = tensors.add('weight_packed', 'U8', [1, 8], bytes);
    const groupScale = tensors.add('weight_scale', 'F8_E4M3', [1, 1], Uint8Array.of(0x7e));
    const globalScale = tensors.add('weight_global_scale', 'F32', [1], Float32Array.of(1024));
    // #region nvfp4
    const weight: QuantizedWeight = {
      outFeatures: 1,
      inFeatures: 16,
      codes: { ref: codes, type: 'f4e2m1', layout: nibbles },
      scales: [
        { ref: groupScale, type: 'f8e4m3', layout: plain('out', 'in'), block: [1, 16] },
        { ref: globalScale, type: 'f32', layout: plain(undefined), block: [1, 16], divide: true },
      ],
    };
    // #endregion
    const units = [...dequantizeWeight(weight, tensors.readNow)].map((value) => value / 0.4375);
    expect(units).toEqual([1, -0.5, 6, 0, -1.5, 0, 1, -2, 4, -4, 4, -6, 0, -0, 1, 2]);
  });

  it('MXFP4: scales that are powers of two', () => {
    const codes = tensors.add('weight_packed', 'U8', [1, 4], Uint8Array.of(0xb6, 0x01, 0x38, 0xd5));
    const exponent = tensors.add('weight_scale', 'U8', [1, 1], Uint8Array.of(128));
    // #region mxfp4
    const weight: QuantizedWeight = {
      outFeatures: 1,
      inFeatures: 8,
      codes: { ref: codes, type: 'f4e2m1', layout: nibbles },
      scales: [{ ref: exponent, type: 'e8m0', layout: plain('out', 'in'), block: [1, 32] }],
    };
    // #endregion
    expect([...dequantizeWeight(weight, tensors.readNow)]).toEqual([8, -3, 1, 0, -0, 3, 6, -6]);
  });

  it('MXFP6: four codes of six bits in three bytes', () => {
    // 0.125, -7.5, 1, 2: codes 000001, 111111, 001000, 010000, lowest bits first.
    const codes = tensors.add('weight', 'U8', [1, 3], Uint8Array.of(0b11000001, 0b10001111, 0b01000000));
    const exponent = tensors.add('weight_scale', 'U8', [1, 1], Uint8Array.of(126));
    // #region mxfp6
    const weight: QuantizedWeight = {
      outFeatures: 1,
      inFeatures: 4,
      codes: {
        ref: codes,
        type: 'f6e2m3',
        layout: { axes: [[whole('out')], [whole('in')]], packed: { bits: 6, word: 8, stream: 1 } },
      },
      scales: [{ ref: exponent, type: 'e8m0', layout: plain('out', 'in'), block: [1, 32] }],
    };
    // #endregion
    expect([...dequantizeWeight(weight, tensors.readNow)]).toEqual([0.0625, -3.75, 0.5, 1]);
  });
});
