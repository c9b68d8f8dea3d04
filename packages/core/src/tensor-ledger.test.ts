import { describe, expect, it } from 'vitest';
import { createTensorLedger } from './tensor-ledger.ts';
import type { DType, TensorRef } from './tensor-ref.ts';

function ref(name: string, dtype: DType = 'F16', shape: readonly number[] = [2, 3]): TensorRef {
  return { name, dtype, shape, file: 'model.safetensors', start: 0, end: 12 };
}

function ledger(...refs: readonly TensorRef[]) {
  return createTensorLedger(new Map(refs.map((one) => [one.name, one])));
}

const requirement = { dtype: ['F16', 'BF16'], shape: [2, 3] } as const;

describe('claim', () => {
  it('hands out a tensor that is as required', () => {
    const weight = ref('a.weight');
    expect(ledger(weight).claim('a.weight', requirement)).toBe(weight);
  });

  it('lists the tensors of the module when one is missing', () => {
    expect(() => ledger(ref('a.qweight'), ref('a.scales'), ref('b.weight')).claim('a.weight', requirement)).toThrow(
      'tensor a.weight: expected F16 or BF16 [2, 3], found no such tensor\nThe checkpoint has a.qweight, a.scales',
    );
  });

  it('says so when the module has no tensor at all', () => {
    expect(() => ledger(ref('b.weight')).claim('a.weight', requirement)).toThrow(
      'tensor a.weight: expected F16 or BF16 [2, 3], found no such tensor\nThe checkpoint has no tensor under a.*',
    );
  });

  it('gives no advice on a name without a module', () => {
    expect(() => ledger().claim('weight', requirement)).toThrow(
      /^tensor weight: expected F16 or BF16 \[2, 3\], found no such tensor$/,
    );
  });

  it('hands out each tensor once', () => {
    const tensors = ledger(ref('a.weight'));
    tensors.claim('a.weight', requirement);
    expect(() => tensors.claim('a.weight', requirement)).toThrow(
      'tensor a.weight: expected one module to use it, found a second module that wants it',
    );
  });

  it('checks the dtype', () => {
    expect(() => ledger(ref('a.weight', 'I32')).claim('a.weight', requirement)).toThrow(
      'tensor a.weight: expected F16 or BF16, found I32',
    );
  });

  it.each([[[3, 2]], [[2]], [[2, 3, 1]]])('checks the shape: %j', (shape) => {
    expect(() => ledger(ref('a.weight', 'F16', shape)).claim('a.weight', requirement)).toThrow(
      `tensor a.weight: expected [2, 3], found [${shape.join(', ')}]`,
    );
  });

  it('leaves a tensor that failed unclaimed', () => {
    const tensors = ledger(ref('a.weight'));
    expect(() => tensors.claim('a.weight', { dtype: ['F32'], shape: [2, 3] })).toThrow();
    expect(tensors.claim('a.weight', requirement).name).toBe('a.weight');
  });
});

describe('claimOptional', () => {
  it('gives undefined for an absent tensor and checks a present one', () => {
    expect(ledger().claimOptional('a.bias', requirement)).toBeUndefined();
    expect(() => ledger(ref('a.bias', 'I8')).claimOptional('a.bias', requirement)).toThrow('found I8');
  });
});

describe('peek and has', () => {
  it('take nothing', () => {
    const tensors = ledger(ref('a.weight'));
    expect(tensors.peek('a.weight')?.dtype).toBe('F16');
    expect(tensors.peek('b.weight')).toBeUndefined();
    expect([tensors.has('a.weight'), tensors.has('b.weight')]).toEqual([true, false]);
    expect(() => tensors.settle([])).toThrow('tensor a.weight');
  });
});

describe('settle', () => {
  it('returns the tensors left aside with their reason', () => {
    const tensors = ledger(ref('a.weight'), ref('rotary.inv_freq'), ref('lm_head.weight'));
    tensors.claim('a.weight', requirement);
    const unused = tensors.settle([
      { reason: 'recomputed', matches: (name) => name.endsWith('.inv_freq') },
      { reason: 'tied', matches: (name, claims) => name === 'lm_head.weight' && claims.has('a.weight') },
    ]);
    expect([...unused].map(([name, { reason }]) => [name, reason])).toEqual([
      ['rotary.inv_freq', 'recomputed'],
      ['lm_head.weight', 'tied'],
    ]);
  });

  const remedy =
    'The checkpoint does not fit the architecture in its config.json, or was edited. Nothing is left out in silence.';

  it.each([
    [1, 'a tensor that no module uses'],
    [3, 'a tensor that no module uses, and 2 more (t1.weight, t2.weight)'],
    [7, 'a tensor that no module uses, and 6 more (t1.weight, t2.weight, t3.weight, t4.weight, ...)'],
  ])('names the tensors nobody claimed: %i', (count, found) => {
    const refs = Array.from({ length: count }, (_, index) => ref(`t${index}.weight`));
    expect(() => ledger(...refs).settle([])).toThrow(
      `tensor t0.weight: expected every tensor to belong to a module of the model, found ${found}\n${remedy}`,
    );
  });
});
