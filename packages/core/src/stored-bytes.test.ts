import { describe, expect, it } from 'vitest';
import { linear, stored } from './__fixtures__/linear.ts';
import type { LinearDescription, ModuleDescription } from './description.ts';
import { plain } from './layout.ts';
import { storedBytes, tensorsOf } from './stored-bytes.ts';

const constant = (name: string) => stored(name, 'F32', [1], 'f32', plain(undefined), 4);

const everything: LinearDescription = {
  ...linear(),
  weight: { ...linear().weight, shift: linear().weight.zero!, groupIndex: constant('a.g_idx') },
  activations: {
    type: 'i8',
    granularity: { kind: 'tensor' },
    scale: { kind: 'static', scale: constant('a.input_scale'), zero: constant('a.input_offset') },
    rounding: 'half-even',
  },
  integer: { accumulatorBias: constant('a.quant_bias'), outputScale: constant('a.deq_scale') },
};

describe('tensorsOf', () => {
  it.each<[string, ModuleDescription, string[]]>([
    ['a linear', linear(), ['a.qweight', 'a.scales', 'a.qzeros', 'a.bias']],
    [
      'everything a linear can have',
      everything,
      [
        'a.qweight',
        'a.scales',
        'a.qzeros',
        'a.qzeros',
        'a.g_idx',
        'a.bias',
        'a.quant_bias',
        'a.deq_scale',
        'a.input_scale',
        'a.input_offset',
      ],
    ],
    [
      'a global activation scale',
      {
        ...linear(),
        activations: {
          type: 'f4e2m1',
          granularity: { kind: 'group', size: 16 },
          scale: { kind: 'dynamic', symmetric: true, divisor: 6, globalScale: constant('a.input_global_scale') },
          rounding: 'half-even',
        },
      },
      ['a.qweight', 'a.scales', 'a.qzeros', 'a.bias', 'a.input_global_scale'],
    ],
    ['a norm', { kind: 'norm', module: 'n', scheme: '', weight: constant('n.weight') }, ['n.weight']],
    ['a vector', { kind: 'vector', module: 'v', scheme: '', vector: constant('v') }, ['v']],
    ['a KV cache', { kind: 'kvCache', module: 'c', scheme: '', type: 'f16', numKvHeads: 1, headSize: 8 }, []],
    [
      'an embedding',
      { kind: 'embedding', module: 'a', scheme: '', weight: linear().weight },
      ['a.qweight', 'a.scales', 'a.qzeros'],
    ],
  ])('of %s', (_, description, names) => {
    expect(tensorsOf(description).map((ref) => ref.name)).toEqual(names);
  });
});

describe('storedBytes', () => {
  it('adds up the bytes of the tensors', () => {
    expect(storedBytes(linear())).toBe(1024 + 64 + 64 + 64);
  });
});
