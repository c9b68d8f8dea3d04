import { describe, expect, it } from 'vitest';
import { linear, stored } from './__fixtures__/linear.ts';
import type { LinearDescription } from './description.ts';
import { fuseLinears } from './fuse.ts';
import { plain } from './layout.ts';

const perTensorScale = stored('b.input_scale', 'F32', [1], 'f32', plain(undefined));
const integer = {
  accumulatorBias: stored('b.quant_bias', 'I32', [32], 'i32', plain('out')),
  outputScale: stored('b.deq_scale', 'F32', [32], 'f32', plain('out')),
};
const { zero, ...symmetric } = linear('b').weight;

describe('fuseLinears', () => {
  it('joins parts along their outputs and keeps their tensors', () => {
    const parts = [linear('q', 32), linear('k', 8), linear('v', 8)];
    expect(fuseLinears(parts)).toEqual({ parts, inFeatures: 64, outFeatures: 48, offsets: [0, 32, 40] });
  });

  it('needs a part', () => {
    expect(() => fuseLinears([])).toThrow('fuseLinears needs at least one part');
  });

  it.each<[what: string, part: LinearDescription, values: string]>([
    ['input features', linear('b', 32, 128), 'a: 64, b: 128'],
    [
      'code type',
      { ...linear('b'), weight: { ...linear('b').weight, codes: { ...linear('b').weight.codes, type: 'u8' } } },
      'a: "u4", b: "u8"',
    ],
    ['scale blocks', linear('b', 32, 64, 32), 'a: [16], b: [32]'],
    ['zero points', { ...linear('b'), weight: symmetric }, 'a: true, b: false'],
    ['shifts', { ...linear('b'), weight: { ...linear('b').weight, shift: zero! } }, 'a: false, b: true'],
    [
      'group index',
      {
        ...linear('b'),
        weight: { ...linear('b').weight, groupIndex: stored('b.g_idx', 'I32', [64], 'i32', plain('in')) },
      },
      'a: false, b: true',
    ],
    [
      'activation quantization',
      {
        ...linear('b'),
        activations: {
          type: 'i8',
          granularity: { kind: 'tensor' },
          scale: { kind: 'static', scale: perTensorScale },
          rounding: 'half-even',
        },
      },
      'a: null, b: {"type":"i8","granularity":{"kind":"tensor"},"rounding":"half-even","scale":"static","zero":false}',
    ],
    ['activation quantization while decoding', { ...linear('b'), decoding: {} }, 'a: null, b: {}'],
    ['integer execution', { ...linear('b'), integer }, 'a: [false,false], b: [true,false]'],
  ])('lists parts that disagree in %s', (what, part, values) => {
    expect(() => fuseLinears([linear('a'), part])).toThrow(`fused parts disagree in ${what}: ${values}`);
  });
});
