import { createTensorLedger, type JsonObject, type MoeSpec, TensorError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { groupConfig, metadata, parse, type Tensors } from './__fixtures__/checkpoint.ts';

const w4: JsonObject = { num_bits: 4, group_size: 32 };
const block: MoeSpec = {
  kind: 'moe',
  name: 'model.layers.0.block_sparse_moe.experts',
  numExperts: 2,
  hiddenSize: 64,
  intermediateSize: 32,
  projections: { gate: 'w1', up: 'w3', down: 'w2' },
};

/** A packed linear of 4-bit codes. */
function packed(module: string, outFeatures: number, inFeatures: number): Tensors {
  return {
    [`${module}.weight_packed`]: ['I32', [outFeatures, inFeatures / 8]],
    [`${module}.weight_scale`]: ['BF16', [outFeatures, inFeatures / 32]],
    [`${module}.weight_shape`]: ['I64', [2]],
  };
}

const linears: readonly (readonly [string, number, number])[] = [0, 1].flatMap((expert) => [
  [`${block.name}.${expert}.w1`, 32, 64],
  [`${block.name}.${expert}.w3`, 32, 64],
  [`${block.name}.${expert}.w2`, 64, 32],
]);
const experts: Tensors = Object.assign(
  {},
  ...linears.map(([name, outFeatures, inFeatures]) => packed(name, outFeatures, inFeatures)),
);
const floatExperts: Tensors = Object.fromEntries(
  linears.map(([name, outFeatures, inFeatures]) => [`${name}.weight`, ['BF16', [outFeatures, inFeatures]]]),
);

describe('moeScheme', () => {
  it('experts are linears of their own', () => {
    const config = groupConfig(w4);
    const answer = parse(config, experts).moeScheme(block);
    if (answer.kind !== 'scheme') throw new Error(JSON.stringify(answer));
    const ledger = createTensorLedger(metadata(config, experts).tensors);
    const { scheme, experts: described } = answer.scheme.describe(block, ledger);
    expect([...ledger.settle([])]).toEqual([]);
    expect(scheme).toBe('w4a16');
    expect(described.map(({ down }) => [down.module, down.weight.outFeatures, down.weight.inFeatures])).toEqual([
      [`${block.name}.0.w2`, 64, 32],
      [`${block.name}.1.w2`, 64, 32],
    ]);
  });

  it('an expert without its scale', () => {
    const broken = { ...experts, [`${block.name}.1.w3.weight_scale`]: undefined };
    const answer = parse(groupConfig(w4), broken).moeScheme(block);
    if (answer.kind !== 'scheme') throw new Error(JSON.stringify(answer));
    const ledger = createTensorLedger(metadata(groupConfig(w4), broken).tensors);
    expect(() => answer.scheme.describe(block, ledger)).toThrow(
      `tensor ${block.name}.1.w3.weight_scale: expected BF16 or F16 or F32 [32, 2], found no such tensor`,
    );
  });

  it('an expert too few', () => {
    expect(() => parse(groupConfig(w4), experts).moeScheme({ ...block, numExperts: 3 })).toThrow(TensorError);
    expect(() => parse(groupConfig(w4), experts).moeScheme({ ...block, numExperts: 3 })).toThrow(
      `tensor ${block.name}.2.w1.weight: expected either ${block.name}.2.w1.weight_packed or ${block.name}.2.w1.weight, found neither`,
    );
  });

  it('experts of different schemes', () => {
    const name = `${block.name}.1.w1`;
    const mixed = {
      ...experts,
      [`${name}.weight_packed`]: undefined,
      [`${name}.weight_scale`]: undefined,
      [`${name}.weight_shape`]: undefined,
      [`${name}.weight`]: ['BF16', [32, 64]] as const,
    };
    const answer = parse(groupConfig(w4, {}, { ignore: [name] }), mixed).moeScheme(block);
    expect(answer).toMatchObject({
      kind: 'refused',
      refusal: { message: `${block.name}: experts differ in w1: expert 0: w4a16, expert 1: unquantized` },
    });
  });

  it('ignored, in floats', () => {
    const config = groupConfig(w4, {}, { ignore: ['re:.*experts.*'] });
    expect(parse(config, floatExperts).moeScheme(block)).toMatchObject({
      kind: 'unquantized',
      rule: 'ignore: "re:.*experts.*"',
    });
  });

  it('all experts in one tensor', () => {
    const fused: Tensors = {
      [`${block.name}.gate_up_proj`]: ['BF16', [2, 64, 64]],
      [`${block.name}.down_proj`]: ['BF16', [2, 64, 32]],
    };
    expect(parse(groupConfig(w4), fused).moeScheme(block)).toEqual({
      kind: 'unquantized',
      rule: `the file holds ${block.name}.gate_up_proj`,
    });
  });
});
