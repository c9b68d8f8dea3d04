import { createRegistry, type LinearDescription, NoKernelError, plain, selectKernelFor } from '@lowbit/core';
import { expect, it } from 'vitest';
import { madeUpBackend, madeUpDevice } from './made-up-device.ts';
import { syntheticWeight } from './synthetic-weight.ts';

const { weight } = syntheticWeight({
  name: 'q_proj',
  outFeatures: 4,
  inFeatures: 32,
  codes: { type: 'i8', dtype: 'I8', shape: [4, 32], layout: plain('out', 'in') },
  seed: 1,
});
const linear: LinearDescription = { kind: 'linear', module: 'q_proj', scheme: 'w8a16', weight };
const device = madeUpDevice({ memory: 1000 });

it('accepts everything unless told otherwise', () => {
  const backend = madeUpBackend();
  const { kernel, refusals } = selectKernelFor(backend.kernels, linear, device, 'exact');
  expect(kernel.name).toBe('made-up/linear');
  expect(refusals).toEqual([]);
});

it('refuses as told, in order', () => {
  const refuse = ({ weight: asked }: LinearDescription) =>
    asked.inFeatures % 128 === 0
      ? undefined
      : { code: 'IN_FEATURES', message: `${asked.inFeatures} input features, needs a multiple of 128` };
  const fast = { name: 'npu/fast', refuse, bytes: () => 12 };
  const choose = (kernels: (typeof fast | { readonly name: string })[]) =>
    selectKernelFor(madeUpBackend({ linear: kernels }).kernels, linear, device, 'exact');

  const refusal = { by: 'npu/fast', code: 'IN_FEATURES', message: '32 input features, needs a multiple of 128' };
  expect(choose([fast, { name: 'npu/naive' }])).toMatchObject({ kernel: { name: 'npu/naive' }, refusals: [refusal] });
  expect(() => choose([fast])).toThrow(NoKernelError);
});

it('is found or not, as told', async () => {
  const npu = madeUpBackend({ name: 'one', device: madeUpDevice({ kind: 'npu' }), oracle: true });
  expect(createRegistry({ backends: [npu] }).backends[0]).toMatchObject({ deviceKind: 'npu', oracle: true });
  expect(await npu.probe()).toEqual({ kind: 'ready', device: { kind: 'npu', name: 'Made-up device' } });
  const absent = madeUpBackend({ unavailable: { code: 'NO_DEVICE', message: 'no driver' } });
  expect(await absent.probe()).toEqual({
    kind: 'unavailable',
    refusal: { by: 'made-up', code: 'NO_DEVICE', message: 'no driver' },
  });
});

it('computes nothing', async () => {
  const backend = madeUpBackend();
  const preparing = backend.kernels.linear[0]?.prepare(linear, {
    device,
    numerics: 'exact',
    bytes: { read: () => Promise.reject(new Error('nobody reads')) },
  });
  await expect(preparing).rejects.toMatchObject({
    code: 'MADE_UP',
    message: 'made-up/linear is made up and computes nothing',
  });
});
