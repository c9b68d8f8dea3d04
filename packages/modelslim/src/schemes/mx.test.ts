import { describe, expect, it } from 'vitest';
import { dequantize, describeLinear, linearSpec, type TestTensors, tensor } from '../test-support/checkpoint.ts';

const bytes = (...values: readonly number[]) => Uint8Array.from(values);

describe('MXFP8', () => {
  it('the library’s worked blocks; an exponent of 255 is NaN', () => {
    const tensors: TestTensors = {
      'a.weight': tensor('F8_E4M3', [2, 4], 'W8A8_MXFP8', bytes(0x7c, 0xf1, 0x4f, 0, 0x38, 0x38, 0x38, 0x38)),
      'a.weight_scale': tensor('U8', [2, 1], 'W8A8_MXFP8', bytes(120, 255)),
    };
    const { weight, activations } = describeLinear(linearSpec('a', 2, 4), tensors);
    const values = [384, -144, 7.5, 0].map((element) => element / 128);
    expect(dequantize(weight, tensors)).toEqual([...values, Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
    expect(activations).toEqual({
      type: 'f8e4m3',
      granularity: { kind: 'group', size: 32 },
      scale: { kind: 'dynamic', symmetric: true, divisor: 1024 / 3, scaleType: 'e8m0' },
      rounding: 'half-away',
    });
  });

  it('the last block may be partial', () => {
    const tensors = {
      'a.weight': tensor('F8_E4M3', [1, 33], 'W8A8_MXFP8', new Uint8Array(33).fill(0x38)),
      'a.weight_scale': tensor('F8_E8M0', [1, 2], 'W8A8_MXFP8', bytes(127, 129)),
    };
    expect(dequantize(describeLinear(linearSpec('a', 1, 33), tensors).weight, tensors).slice(31)).toEqual([1, 4]);
  });
});

describe('MXFP4', () => {
  const scale = (type: string) => tensor('U8', [1, 1], type, bytes(128));
  const packed = (type: string): TestTensors => ({
    'a.weight': tensor('U8', [1, 4], type, bytes(0xe7, 0x21, 0x80, 0x0f)),
    'a.weight_scale': scale(type),
  });
  const values = [12, -8, 1, 2, 0, -0, -12, 0];
  const spec = linearSpec('a', 1, 8);

  it.each([
    ['W4A4_MXFP4', { type: 'f4e2m1', scale: { divisor: 14 / 3, scaleType: 'e8m0' }, rounding: 'half-away' }],
    ['W4A8_MXFP', { type: 'f8e4m3', scale: { divisor: 1024 / 3, scaleType: 'e8m0' }, rounding: 'half-away' }],
    ['W4A16_MXFP4', undefined],
  ])('%s', (type, activations) => {
    const tensors = packed(type);
    const description = describeLinear(spec, tensors);
    expect(dequantize(description.weight, tensors)).toEqual(values);
    if (activations) expect(description.activations).toMatchObject(activations);
    else expect(description.activations).toBeUndefined();
  });

  it('a value per byte, as old files have it, is the same matrix', () => {
    const type = 'W4A4_MXFP4';
    const plain = {
      'a.weight': tensor('F8_E4M3', [1, 8], type, bytes(0x4c, 0xc8, 0x30, 0x38, 0, 0x80, 0xcc, 0)),
      'a.weight_scale': scale(type),
    };
    expect(dequantize(describeLinear(spec, plain).weight, plain)).toEqual(values);
  });

  it('needs pairs', () => {
    expect(() => describeLinear(linearSpec('a', 1, 7), packed('W4A4_MXFP4'))).toThrow(
      'tensor a.weight: expected an even number of input features, as pairs share a byte, found 7',
    );
  });
});

describe('DUALSCALE', () => {
  const type = 'W4A4_MXFP4_DUALSCALE';
  const tensorsOf = (inFeatures: number, outer: readonly number[]): TestTensors => ({
    'a.weight': tensor('U8', [1, inFeatures / 2], type, new Uint8Array(inFeatures / 2).fill(0xd7)),
    'a.weight_scale': tensor('U8', [1, Math.ceil(inFeatures / 32)], type, new Uint8Array(inFeatures / 32).fill(127)),
    'a.weight_dual_scale': tensor('F32', [1, outer.length, 1], type, Float32Array.from(outer)),
  });

  it.each([
    ['one block', 64, [100], [600, -300], [600, -300]],
    ['blocks of 512, the last partial', 768, [1, 100], [6, -3], [600, -300]],
    ['equal blocks of another size', 256, [1, 100], [6, -3], [600, -300]],
  ])('%s', (_, inFeatures, outer, first, last) => {
    const tensors = tensorsOf(inFeatures, outer);
    const values = dequantize(describeLinear(linearSpec('a', 1, inFeatures), tensors).weight, tensors);
    expect([values.slice(0, 2), values.slice(-2)]).toEqual([first, last]);
  });

  it('its activations stay unquantized; its bias has its type', () => {
    const tensors = { ...tensorsOf(64, [1]), 'a.bias': tensor('F32', [1], type) };
    const { activations, bias } = describeLinear(linearSpec('a', 1, 64, true), tensors);
    expect([activations, bias?.ref.name]).toEqual([undefined, 'a.bias']);
  });

  it('blocks must hold whole MX blocks', () => {
    expect(() => describeLinear(linearSpec('a', 1, 64), tensorsOf(64, [1, 1, 1]))).toThrow(
      'tensor a.weight_dual_scale: expected [1, blocks, 1] with blocks of a multiple of 32 of the 64 input features, found [1, 3, 1]',
    );
  });
});
