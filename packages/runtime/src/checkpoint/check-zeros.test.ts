import type { UnusedRule } from '@lowbit/core';
import { expect, it } from 'vitest';
import { checkZeros } from './check-zeros.ts';
import type { Checkpoint } from './read-checkpoint.ts';

const rule: UnusedRule = { reason: 'old writers add empty biases', onlyZeros: true, matches: () => true };
const check = (bytes: Uint8Array, rules: UnusedRule = rule) => {
  const ref = { name: 'a.bias', dtype: 'F16', shape: [2], file: 'm', start: 0, end: 4 } as const;
  const checkpoint = { metadata: { tensors: new Map([[ref.name, ref]]) }, bytes: { read: async () => bytes } };
  return checkZeros(checkpoint as unknown as Checkpoint, new Map([[ref.name, rules]]));
};

it('passes zeros of either sign, and reads nothing that no rule asks to', async () => {
  await expect(check(Uint8Array.of(0, 0, 0, 0x80))).resolves.toBeUndefined();
  await expect(check(Uint8Array.of(0, 1, 0, 0), { reason: '', matches: () => true })).resolves.toBeUndefined();
});

it('names a tensor that is not all zero', async () => {
  await expect(check(Uint8Array.of(0, 0, 0, 0x3c))).rejects.toThrow(
    'tensor a.bias: expected zeros only, as it is left aside: old writers add empty biases, found 1',
  );
});
