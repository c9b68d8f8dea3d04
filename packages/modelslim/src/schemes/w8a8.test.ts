import { describe, expect, it } from 'vitest';
import { dequantize, describeLinear, linearSpec, type TestTensors, tensor } from '../test-support/checkpoint.ts';

const name = 'model.layers.0.self_attn.q_proj';
const codes = Int8Array.of(4, -2, 1, -3, 5, 2);
const staticTensors: TestTensors = {
  [`${name}.weight`]: tensor('I8', [2, 3], 'W8A8', codes),
  [`${name}.quant_bias`]: tensor('I32', [2], 'W8A8'),
  [`${name}.input_scale`]: tensor('F32', [1], 'W8A8', Float32Array.of(0.5)),
  [`${name}.input_offset`]: tensor('F32', [1], 'W8A8'),
  [`${name}.deq_scale`]: tensor('F32', [2], 'W8A8', Float32Array.of(0.125, 0.25)),
};
const spec = linearSpec(name, 2, 3);
const weights = [1, -0.5, 0.25, -1.5, 2.5, 1];

describe('W8A8', () => {
  it('runs with the stored constants; its weight has the scale deq_scale / input_scale', () => {
    const { weight, activations, integer, bias, decoding } = describeLinear(spec, staticTensors);
    expect(dequantize(weight, staticTensors)).toEqual(weights);
    expect(activations).toMatchObject({
      type: 'i8',
      granularity: { kind: 'tensor' },
      scale: {
        kind: 'static',
        scale: { ref: { name: `${name}.input_scale` } },
        zero: { ref: { name: `${name}.input_offset` } },
      },
      rounding: 'half-even',
      zeroFirst: true,
    });
    expect(integer).toMatchObject({
      accumulatorBias: { ref: { name: `${name}.quant_bias` }, type: 'i32' },
      outputScale: { ref: { name: `${name}.deq_scale` }, type: 'f32' },
    });
    expect([bias, decoding]).toEqual([undefined, undefined]);
  });

  it('a model in f16 keeps the bits of its f32 scales in I64', () => {
    const words = tensor('I64', [2], 'W8A8', BigInt64Array.of(1040187392n, 1048576000n));
    const tensors = { ...staticTensors, [`${name}.deq_scale`]: words };
    const { weight, integer } = describeLinear(spec, tensors);
    expect(dequantize(weight, tensors)).toEqual(weights);
    expect(integer?.outputScale).toMatchObject({ type: 'f32', layout: { packed: { bits: 32, word: 64, fields: [] } } });
  });

  it('older writers store the scale of the weight: it counts', () => {
    const tensors = {
      ...staticTensors,
      [`${name}.weight_scale`]: tensor('BF16', [2, 1], 'W8A8', Uint16Array.of(0x4000, 0x3f80)),
      [`${name}.weight_offset`]: tensor('BF16', [2, 1], 'W8A8', Uint16Array.of(0, 0)),
    };
    expect(dequantize(describeLinear(spec, tensors).weight, tensors)).toEqual([8, -4, 2, -3, 5, 2]);
  });

  it('a bias is there beside quant_bias, also where the architecture has none', () => {
    const tensors = { ...staticTensors, [`${name}.bias`]: tensor('F32', [2], 'FLOAT') };
    expect(describeLinear({ ...spec, hasBias: true }, tensors).bias).toMatchObject({ type: 'f32' });
    expect(describeLinear(spec, tensors).bias).toBeDefined();
    expect(() => describeLinear({ ...spec, hasBias: true }, staticTensors)).toThrow(
      `tensor ${name}.bias: expected F32`,
    );
  });
});

describe('W8A8_MIX', () => {
  it('is dynamic for prompts and static for generated tokens', () => {
    const mixed = Object.entries(staticTensors).map(([key, value]) => [key, { ...value, type: 'W8A8_MIX' }] as const);
    const tensors: TestTensors = {
      ...Object.fromEntries(mixed),
      [`${name}.weight_scale`]: tensor('F32', [2, 1], 'W8A8_MIX', Float32Array.of(0.25, 0.5)),
      [`${name}.weight_offset`]: tensor('F32', [2, 1], 'W8A8_MIX', Float32Array.of(0, 0)),
    };
    const { weight, activations, integer, decoding } = describeLinear(spec, tensors);
    expect(dequantize(weight, tensors)).toEqual(weights);
    expect(activations).toMatchObject({ granularity: { kind: 'token' }, scale: { kind: 'dynamic', divisor: 127 } });
    expect(integer).toBeUndefined();
    expect(decoding).toMatchObject({
      activations: { scale: { kind: 'static' } },
      integer: { accumulatorBias: { ref: { name: `${name}.quant_bias` } } },
    });
  });
});
