/// <reference types="@webgpu/types" />
import { afterEach, expect, it, vi } from 'vitest';
import { watchAllocations } from './allocations.ts';
import { usage } from './storage-buffer.ts';

const mebibytes = 2 ** 20;

/** Dawn's device without a GPU, which has 512 MiB and touches none of them. */
async function nullDevice(): Promise<GPUDevice> {
  const { create } = (await import(/* @vite-ignore */ 'webgpu' as string)) as { create(options: string[]): GPU };
  const gpu = create(['backend=null']);
  const adapter = await gpu.requestAdapter();
  keptAlive.push(gpu, adapter);
  return adapter!.requestDevice();
}

const keptAlive: unknown[] = [];
afterEach(() => vi.restoreAllMocks());

it('names the first buffer that does not fit, its size, and what was taken before', async () => {
  const gpu = await nullDevice();
  const allocations = watchAllocations(gpu, 'a small device');
  const create = (label: string) =>
    allocations.create({ size: 200 * mebibytes, usage: usage.storage | usage.copyTarget, label });
  create('model.layers.0.mlp.down_proj: codes');
  create('model.layers.1.mlp.down_proj: codes');
  await allocations.settle();
  create('model.layers.2.mlp.down_proj: codes');
  create('model.layers.3.mlp.down_proj: codes');
  const message =
    'a small device has no room for model.layers.2.mlp.down_proj: codes of 209715200 bytes after the 419430400 bytes that the model took\n' +
    'Use fewer tokens in the KV cache, a smaller model or another device. With a memory limit it is known before loading.';
  await expect(allocations.settle()).rejects.toMatchObject({ code: 'DEVICE_MEMORY', message });
  expect(() => allocations.check()).toThrow(message);
});

it('has nothing to say of a lost device', async () => {
  const gpu = await nullDevice();
  const allocations = watchAllocations(gpu, 'a lost device');
  vi.spyOn(gpu, 'popErrorScope').mockRejectedValue(new Error('lost'));
  allocations.create({ size: 16, usage: usage.storage });
  await allocations.settle();
});
