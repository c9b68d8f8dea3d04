import {
  type EmbeddingDescription,
  type Layout,
  plain,
  type QuantizedWeight,
  quotient,
  remainder,
  whole,
} from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { describe, expect, it } from 'vitest';
import { ExampleTensors } from './example-tensors.ts';

describe('integers', () => {
  const tensors = new ExampleTensors();

  it('compressed-tensors: three bits as one stream, or ten codes in each word', () => {
    const codes = [-4, -1, 0, 3, 2, -2, 1, -3, 3, 0, -4, 2];
    const dense = tensors.add('dense', 'I32', [1, 2], Uint32Array.of(0x27356f18, 0x0000000c));
    const tenPerWord = tensors.add('legacy', 'I32', [1, 2], Uint32Array.of(0x27356f18, 0x00000030));
    // #region ct-3-bit
    const signed = { value: -4, carry: 'field' } as const;
    const since018: Layout = {
      axes: [[whole('out')], [whole('in')]],
      packed: { bits: 3, word: 32, stream: 1 },
      add: signed,
    };
    const before018: Layout = {
      axes: [[whole('out')], [quotient('in', 10)]],
      packed: { bits: 3, word: 32, fields: [remainder('in', 10)] },
      add: signed,
    };
    // #endregion
    const weight = (ref: typeof dense, layout: Layout): QuantizedWeight => ({
      outFeatures: 1,
      inFeatures: 12,
      codes: { ref, type: 'i3', layout },
      scales: [],
    });
    expect([...dequantizeWeight(weight(dense, since018), tensors.readNow)]).toEqual(codes);
    expect([...dequantizeWeight(weight(tenPerWord, before018), tensors.readNow)]).toEqual(codes);
  });

  it('ModelSlim W4A8: rows in pairs, a scale per row and a scale per group of that', () => {
    const packed = tensors.add('weight', 'I8', [2, 2], Int8Array.of(-15, 120, -29, -80));
    const rowScale = tensors.add('weight_scale', 'F32', [4, 1], Float32Array.of(1, 2, 4, 8));
    const groupScale = tensors.add('weight_scale_second', 'F32', [4, 1], Float32Array.of(0.5, 0.5, 0.5, 0.5));
    // #region modelslim-two-levels
    const weight: QuantizedWeight = {
      outFeatures: 4,
      inFeatures: 2,
      codes: {
        ref: packed,
        type: 'i4',
        layout: {
          axes: [[quotient('out', 2)], [whole('in')]],
          packed: { bits: 4, word: 8, fields: [remainder('out', 2)] },
        },
      },
      scales: [
        { ref: groupScale, type: 'f32', layout: plain('out', 'in'), block: [1, 256] },
        { ref: rowScale, type: 'f32', layout: plain('out', undefined), block: [1, 2], afterwards: true },
      ],
    };
    // #endregion
    expect([...dequantizeWeight(weight, tensors.readNow)]).toEqual([0.5, -4, -1, 7, 6, 0, -8, -20]);
  });

  it('an int8 embedding, and one expert of a fused tensor', () => {
    const table = tensors.add('embed_tokens.weight', 'I8', [3, 2], Int8Array.of(1, 2, 3, 4, 5, 6));
    const scale = tensors.add('embed_tokens.weight_scale', 'F32', [3, 1], Float32Array.of(1, 0.5, 0.25));
    // #region embedding
    const embedding: EmbeddingDescription = {
      kind: 'embedding',
      module: 'model.embed_tokens',
      scheme: 'w8a16',
      weight: {
        outFeatures: 3,
        inFeatures: 2,
        codes: { ref: table, type: 'i8', layout: plain('out', 'in') },
        scales: [{ ref: scale, type: 'f32', layout: plain('out', undefined), block: [1, 2] }],
      },
    };
    // #endregion
    expect([...dequantizeWeight(embedding.weight, tensors.readNow)]).toEqual([1, 2, 1.5, 2, 1.25, 1.5]);

    const experts = tensors.add(
      'experts.down_proj',
      'I8',
      [2, 2, 3],
      Int8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    );
    // #region expert
    const secondExpert: QuantizedWeight = {
      outFeatures: 2,
      inFeatures: 3,
      codes: { ref: experts, type: 'i8', layout: plain('expert', 'out', 'in'), origin: { expert: 1 } },
      scales: [],
    };
    // #endregion
    expect([...dequantizeWeight(secondExpert, tensors.readNow)]).toEqual([6, 7, 8, 9, 10, 11]);
  });
});
