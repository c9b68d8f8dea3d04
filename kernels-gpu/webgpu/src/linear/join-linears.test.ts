import { type LinearDescription, type ModelProgram, plain } from '@lowbit/core';
import { syntheticWeight } from '@lowbit/testkit';
import { expect, it } from 'vitest';
import { linearsToJoin } from './join-linears.ts';

function describe(module: string, type: 'i8' | 'f32'): LinearDescription {
  const dtype = type === 'i8' ? 'I8' : 'F32';
  const codes = { type, dtype, shape: [4, 32], layout: plain('out', 'in') } as const;
  const { weight } = syntheticWeight({ name: module, outFeatures: 4, inFeatures: 32, codes, seed: 1 });
  return { kind: 'linear', module, scheme: '', weight };
}

function programOf(...parts: readonly (readonly [module: string, output: string])[]): ModelProgram {
  return {
    modelType: '',
    vocabSize: 4,
    contextLength: 1,
    values: {},
    modules: [],
    operations: [{ kind: 'linear', input: 'x', parts: parts.map(([module, output]) => ({ module, output })) }],
  };
}

const descriptions = new Map(
  [describe('q', 'i8'), describe('k', 'i8'), describe('v', 'f32')].map((one) => [one.module, one]),
);

it('joins linears that are kept alike', () => {
  expect(linearsToJoin(programOf(['q', 'a'], ['k', 'b']), descriptions, 'exact')).toEqual([['q', 'k']]);
});

it.each([
  ['kept in other forms', programOf(['q', 'a'], ['v', 'b'])],
  ['with one output', programOf(['q', 'a'], ['k', 'a'])],
  ['that write their input', programOf(['q', 'x'], ['k', 'b'])],
  ['used twice', programOf(['q', 'a'], ['q', 'b'])],
  ['alone', programOf(['q', 'a'])],
])('leaves linears %s', (_, program) => {
  expect(linearsToJoin(program, descriptions, 'exact')).toEqual([]);
});

it('leaves linears whose activations are quantized, unless they stay as they are', () => {
  const scale = { kind: 'dynamic', symmetric: true, divisor: 127 } as const;
  const activations = { type: 'i8', granularity: { kind: 'token' }, scale, rounding: 'half-even' } as const;
  const quantized = new Map([...descriptions].map(([name, one]) => [name, { ...one, activations }]));
  const program = programOf(['q', 'a'], ['k', 'b']);
  expect(linearsToJoin(program, quantized, 'faithful')).toEqual([]);
  expect(linearsToJoin(program, quantized, 'exact')).toEqual([['q', 'k']]);
});
