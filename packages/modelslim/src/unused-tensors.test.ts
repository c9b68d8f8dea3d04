import { createTensorLedger, RefusedError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { checkpointOf, tensor } from './test-support/checkpoint.ts';
import { refuseSplitNorms, unusedTensors } from './unused-tensors.ts';

const norm = 'model.layers.0.input_layernorm';
const tensorsOf = (...names: readonly string[]) =>
  checkpointOf(Object.fromEntries(names.map((name) => [name, tensor('F32', [2])]))).tensors;

describe('leaves aside', () => {
  const settle = (...names: readonly string[]) => createTensorLedger(tensorsOf(...names)).settle(unusedTensors);

  it.each([
    ['model.layers.0.self_attn.fa_q.scale', 'scales of quantized attention: it is computed unquantized'],
    ['model.layers.0.self_attn.fa_v.offset', 'scales of quantized attention: it is computed unquantized'],
  ])('%s', (name, reason) => {
    expect(settle(name).get(name)).toMatchObject({ reason });
  });

  it('copies of smoothed norms, and nothing that only looks like one', () => {
    const copies = [`${norm}.module.weight`, `${norm}.module.bias`];
    const ledger = createTensorLedger(tensorsOf(`${norm}.weight`, `${norm}.bias`, ...copies));
    ledger.claim(`${norm}.weight`, { dtype: ['F32'], shape: [2] });
    ledger.claim(`${norm}.bias`, { dtype: ['F32'], shape: [2] });
    const reason = 'a copy of a smoothed norm under the name that old engines look for';
    expect([...ledger.settle(unusedTensors)].map(([name, rule]) => [name, rule.reason])).toEqual(
      copies.map((name) => [name, reason]),
    );
    expect(() => settle('model.layers.0.mlp.module.weight')).toThrow('tensor model.layers.0.mlp.module.weight');
  });

  it('offsets of the first of two levels, if they are zero', () => {
    const ledger = createTensorLedger(tensorsOf('a.weight_offset', 'a.weight_scale_second', 'b.weight_offset'));
    ledger.claim('a.weight_scale_second', { dtype: ['F32'], shape: [2] });
    ledger.claim('b.weight_offset', { dtype: ['F32'], shape: [2] });
    expect(ledger.settle(unusedTensors).get('a.weight_offset')).toMatchObject({ onlyZeros: true });
    expect(() => settle('b.weight_offset')).toThrow('tensor b.weight_offset');
  });
});

it('refuses a smoothed norm beside the original one', () => {
  const split = () => refuseSplitNorms(tensorsOf(`${norm}.weight`, `${norm}.module.weight`, `${norm}.module.bias`));
  expect(split).toThrow(RefusedError);
  expect(split).toThrow(
    `modelslim: ${norm}.module.weight: a smoothed norm beside the original ${norm} is not supported (export it again with a newer msModelSlim)`,
  );
});
