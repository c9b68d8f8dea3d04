import {
  type ActivationQuantization,
  type LinearDescription,
  linearsOf,
  type ModuleDescription,
  plain,
} from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { varyLinear, varyModule } from './execution-variant.ts';

const activations = (divisor: number): ActivationQuantization => ({
  type: 'i8',
  granularity: { kind: 'token' },
  scale: { kind: 'dynamic', symmetric: true, divisor },
  rounding: 'half-even',
});
const ref = { name: 'w', dtype: 'F32', shape: [1, 1], file: 'm', start: 0, end: 4 } as const;
const stored = { ref, type: 'f32', layout: plain('out', 'in') } as const;
const plainLinear: LinearDescription = {
  kind: 'linear',
  module: 'q_proj',
  scheme: 'test',
  weight: { outFeatures: 1, inFeatures: 1, codes: stored, scales: [] },
};
const linear: LinearDescription = { ...plainLinear, activations: activations(127.5) };
const integer = { accumulatorBias: stored, outputScale: stored };

describe('divisor127', () => {
  it('replaces 127.5, of prompts and of generated tokens', () => {
    expect(varyLinear(linear, 'divisor127')).toEqual({ ...linear, activations: activations(127) });
    const decoding = { activations: activations(127.5) };
    expect(varyLinear({ ...plainLinear, decoding }, 'divisor127')).toEqual({
      ...plainLinear,
      decoding: { activations: activations(127) },
    });
  });

  it('leaves every other description as it is', () => {
    const fixed = { ...activations(0), scale: { kind: 'static', scale: stored } } as const;
    for (const other of [
      plainLinear,
      { ...linear, activations: activations(255) },
      { ...linear, activations: fixed },
    ]) {
      expect(varyLinear(other, 'divisor127')).toBe(other);
    }
  });
});

describe('decoding', () => {
  it('runs all tokens as generated ones', () => {
    const decoding = { activations: activations(7), integer };
    expect(varyLinear({ ...linear, decoding }, 'decoding')).toEqual({ ...plainLinear, ...decoding });
    const untouched = { ...linear, integer, decoding: {} };
    expect(varyLinear(untouched, 'decoding')).toEqual(plainLinear);
  });

  it('is the same where nothing differs', () => {
    expect(varyLinear(linear, 'decoding')).toBe(linear);
  });
});

describe('plainActivations, plainCache', () => {
  const cache: ModuleDescription = {
    kind: 'kvCache',
    module: 'a',
    scheme: 'b',
    type: 'i8',
    numKvHeads: 1,
    headSize: 1,
  };
  const scale = { ...stored, block: [1, 1] as const };

  it('leave inputs of linears, or keys and values, as they are', () => {
    const decoding = { activations: activations(7), integer };
    expect(varyLinear({ ...linear, integer, decoding }, 'plainActivations')).toEqual(plainLinear);
    const quantization = { key: { scale }, value: { scale } };
    expect(varyModule({ ...cache, quantization }, 'plainCache')).toEqual({ ...cache, type: 'f32' });
  });

  it('are the same where nothing is quantized', () => {
    expect(varyLinear(plainLinear, 'plainActivations')).toBe(plainLinear);
    expect(varyModule(linear, 'plainCache')).toBe(linear);
    const plainCache = { ...cache, type: 'f32' } as const;
    expect(varyModule(plainCache, 'plainCache')).toBe(plainCache);
  });
});

it('reaches the linears of experts', () => {
  const expert = { gate: linear, up: plainLinear, down: linear };
  const moe: ModuleDescription = { kind: 'moe', module: 'mlp', scheme: 'test', experts: [expert, expert] };
  const varied = linearsOf(varyModule(moe, 'divisor127'));
  expect(varied).toHaveLength(6);
  expect(varied.map(({ activations: found }) => found?.scale)).toEqual(
    [127, undefined, 127, 127, undefined, 127].map((divisor) => divisor && activations(divisor).scale),
  );
  const cache: ModuleDescription = {
    kind: 'kvCache',
    module: 'a',
    scheme: 'b',
    type: 'f32',
    numKvHeads: 1,
    headSize: 1,
  };
  expect(varyModule(cache, 'divisor127')).toBe(cache);
  expect(linearsOf(cache)).toEqual([]);
});
