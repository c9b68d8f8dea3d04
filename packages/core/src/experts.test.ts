import { describe, expect, it } from 'vitest';
import { linear } from './__fixtures__/linear.ts';
import { describeExperts, expertLinear, expertsAsLinears } from './experts.ts';
import type { LinearScheme, SchemeAnswer } from './method.ts';
import type { LinearSpec, MoeSpec } from './module-spec.ts';
import { createTensorLedger } from './tensor-ledger.ts';
import type { TensorRef } from './tensor-ref.ts';
import { describeUnquantized } from './unquantized.ts';

const block: MoeSpec = {
  kind: 'moe',
  name: 'mlp.experts',
  numExperts: 2,
  hiddenSize: 8,
  intermediateSize: 4,
  projections: { gate: 'w1', up: 'w3', down: 'w2' },
};

const scheme = (name: string): SchemeAnswer<LinearScheme> => ({
  kind: 'scheme',
  scheme: { name, describe: (spec) => linear(spec.name) },
  warnings: [`a word on ${name}`],
});

const describeBlock = (answer: (module: LinearSpec) => SchemeAnswer<LinearScheme>) => {
  const result = expertsAsLinears(block, answer);
  if (result.kind !== 'scheme') return result;
  const { name } = result.scheme;
  return { name, ...result.scheme.describe(block, createTensorLedger(new Map())) };
};

function tensors(shapes: Readonly<Record<string, readonly number[]>>) {
  const refs = Object.entries(shapes).map(([name, shape]): [string, TensorRef] => [
    name,
    { name, dtype: 'BF16', shape, file: 'm', start: 0, end: shape.reduce((a, b) => a * b) * 2 },
  ]);
  return createTensorLedger(new Map(refs));
}

describe('expertsAsLinears', () => {
  it('names each projection as the checkpoint does, with its own sizes', () => {
    expect(expertLinear(block, 1, 'up')).toMatchObject({ name: 'mlp.experts.1.w3', outFeatures: 4, inFeatures: 8 });
    expect(expertLinear(block, 0, 'down')).toMatchObject({ name: 'mlp.experts.0.w2', outFeatures: 8, inFeatures: 4 });
  });

  it('asks for every linear and joins the answers', () => {
    const asked: string[] = [];
    const result = describeBlock((module) => {
      asked.push(module.name);
      return scheme('w4a16');
    });
    expect(result).toMatchObject({ kind: 'moe', module: 'mlp.experts', scheme: 'w4a16' });
    expect(result).toMatchObject({
      experts: [{ gate: { module: 'mlp.experts.0.w1' } }, { down: { module: 'mlp.experts.1.w2' } }],
    });
    expect(new Set(asked).size).toBe(6);
    expect(expertsAsLinears(block, () => scheme('w4a16'))).toMatchObject({ warnings: ['a word on w4a16'] });
  });

  it('lets a projection have a scheme of its own', () => {
    const result = describeBlock(({ name }) => scheme(name.endsWith('w2') ? 'w8a8' : 'w4a8'));
    expect(result).toMatchObject({ kind: 'moe', name: 'w4a8+w8a8' });
  });

  it('refuses experts that differ, listing them', () => {
    expect(describeBlock(({ name }) => scheme(name === 'mlp.experts.1.w3' ? 'w8a16' : 'w4a16'))).toEqual({
      kind: 'refused',
      refusal: {
        by: 'moe',
        code: 'MIXED_EXPERTS',
        message: 'mlp.experts: experts differ in w3: expert 0: w4a16, expert 1: w8a16',
      },
    });
  });

  it('hands on a refusal, and "unquantized" with its rule', () => {
    const refusal = { by: 'x', code: 'BITS', message: 'bits 5' };
    expect(describeBlock(() => ({ kind: 'refused', refusal }))).toEqual({ kind: 'refused', refusal });
    expect(describeBlock(() => ({ kind: 'unquantized', rule: 'listed' }))).toMatchObject({
      kind: 'unquantized',
      rule: 'listed',
    });
  });
});

describe('describeUnquantized of experts', () => {
  it('takes linears of their own', () => {
    const shapes = { w1: [4, 8], w3: [4, 8], w2: [8, 4] };
    const named = Object.entries(shapes).flatMap(([name, shape]) =>
      [0, 1].map((expert) => [`mlp.experts.${expert}.${name}.weight`, shape] as const),
    );
    const ledger = tensors(Object.fromEntries(named));
    expect(describeUnquantized(block, ledger).experts).toHaveLength(2);
    expect(ledger.settle([]).size).toBe(0);
  });

  it('takes slices of fused tensors: gate first, up behind it', () => {
    const ledger = tensors({ 'mlp.experts.gate_up_proj': [2, 8, 8], 'mlp.experts.down_proj': [2, 8, 4] });
    const { experts } = describeUnquantized(block, ledger);
    expect(experts[1]!.gate.weight.codes).toMatchObject({
      ref: { name: 'mlp.experts.gate_up_proj' },
      origin: { expert: 1, out: 0 },
    });
    expect(experts[1]!.up.weight.codes.origin).toEqual({ expert: 1, out: 4 });
    expect(experts[1]!.down.weight).toMatchObject({
      outFeatures: 8,
      inFeatures: 4,
      codes: { origin: { expert: 1, out: 0 } },
    });
    expect(ledger.settle([]).size).toBe(0);
  });
});

it('describeExperts tells which expert and projection it asks for', () => {
  const asked: string[] = [];
  describeExperts(block, 's', (spec, expert, projection) => {
    asked.push(`${expert} ${projection}`);
    return linear(spec.name);
  });
  expect(asked).toEqual(['0 gate', '0 up', '0 down', '1 gate', '1 up', '1 down']);
});
