import type { DType, LinearSpec, ModuleSpec, TensorRef } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { describeCheckpoint } from './describe-checkpoint.ts';
import { rowwise } from './made-up-method.ts';

function metadata(tensors: Readonly<Record<string, readonly [DType, readonly number[]]>>) {
  const refs = Object.entries(tensors).map(([name, [dtype, shape]]): [string, TensorRef] => [
    name,
    { name, dtype, shape, file: 'model.safetensors', start: 0, end: 0 },
  ]);
  return { config: {}, sideFiles: new Map(), tensors: new Map(refs) };
}

const projection: LinearSpec = {
  kind: 'linear',
  name: 'a',
  outFeatures: 2,
  inFeatures: 3,
  hasBias: false,
  role: 'projection',
};
const moe = {
  kind: 'moe',
  name: 'experts',
  numExperts: 2,
  hiddenSize: 4,
  intermediateSize: 6,
  projections: { gate: 'w1', up: 'w3', down: 'w2' },
} as const;
const modules: readonly ModuleSpec[] = [
  { kind: 'embedding', name: 'e', vocabSize: 5, hiddenSize: 3 },
  { kind: 'norm', name: 'n', size: 3 },
  { kind: 'kvCache', name: 'c', numKvHeads: 1, headSize: 2 },
  projection,
  { ...projection, name: 'router', role: 'router', hasBias: true },
  { ...projection, name: 'head', role: 'head', tiedTo: 'e' },
];
const complete = {
  'e.weight': ['F16', [5, 3]],
  'n.weight': ['BF16', [3]],
  'a.codes': ['I8', [2, 3]],
  'a.scale': ['F32', [2]],
  'router.weight': ['F32', [2, 3]],
  'router.bias': ['F32', [2]],
} as const;

describe('describeCheckpoint', () => {
  it('sorts modules into described and unquantized', () => {
    const { descriptions, unquantized } = describeCheckpoint(rowwise, metadata(complete), modules);
    expect([...descriptions.keys()]).toEqual(['a']);
    expect([...unquantized]).toEqual([
      ['e', 'linears only'],
      ['c', 'linears only'],
      ['router', 'linears only'],
      ['head', 'linears only'],
    ]);
  });

  it('leaves no tensor over', () => {
    const extra = { ...complete, 'b.weight': ['F16', [1]] } as const;
    expect(() => describeCheckpoint(rowwise, metadata(extra), modules)).toThrow('tensor b.weight');
  });

  it('leaves those over that the method lists as unused', () => {
    const listing = {
      ...rowwise,
      parseConfig: (...all: Parameters<typeof rowwise.parseConfig>) => ({
        ...rowwise.parseConfig(...all),
        unused: [{ reason: 'a record', matches: (name: string) => name === 'b.weight' }],
      }),
    };
    const extra = { ...complete, 'b.weight': ['F16', [1]] } as const;
    expect(describeCheckpoint(listing, metadata(extra), modules).warnings).toEqual([]);
    const more = { ...extra, 'c.weight': ['F16', [1]] } as const;
    expect(() => describeCheckpoint(listing, metadata(more), modules)).toThrow('tensor c.weight');
  });

  it('throws what a method refuses', () => {
    expect(() => describeCheckpoint(rowwise, metadata(complete), [moe])).toThrow(
      'experts is refused: no experts in experts',
    );
  });

  it('claims the experts of an unquantized block', () => {
    const skipping = {
      ...rowwise,
      parseConfig: (...all: Parameters<typeof rowwise.parseConfig>) => ({
        ...rowwise.parseConfig(...all),
        moeScheme: () => ({ kind: 'unquantized', rule: 'listed' }) as const,
      }),
    };
    const experts = Object.fromEntries(
      [0, 1].flatMap((expert) => [
        [`experts.${expert}.w1.weight`, ['F16', [6, 4]]],
        [`experts.${expert}.w3.weight`, ['F16', [6, 4]]],
        [`experts.${expert}.w2.weight`, ['F16', [4, 6]]],
      ]),
    ) as Record<string, [DType, number[]]>;
    expect(describeCheckpoint(skipping, metadata(experts), [moe]).unquantized.get('experts')).toBe('listed');
  });
});
