import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import awq from '@lowbit/awq';
import { createRegistry, formatRefusal } from '@lowbit/core';
import { software } from '@lowbit/kernels-webgpu';
import { openModel } from '@lowbit/runtime';
import { expect, it, type TestContext } from 'vitest';
import { root } from './workspace.ts';

/** As much of WebGPU's types as is used here. */
interface Buffer {
  destroy(): void;
}
interface Gpu {
  createBuffer(descriptor: object): Buffer;
  destroy(): void;
}

const folder = join(root, 'packages/awq/src/__fixtures__/micro-llama-awq-gemv');
const registry = createRegistry({ methods: [awq], backends: [software] });
const request = { prompt: [1, 2, 3], sampling: { temperature: 0, maxTokens: 40, ignoreEos: true } };
const open = () => openModel(folder, { registry, device: 'webgpu:software', contextLength: 64, kvCacheTokens: 128 });

/** The device that the next model is opened on. */
async function currentGpu(context: TestContext): Promise<Gpu> {
  const probe = await software.probe();
  if (probe.kind === 'unavailable') return context.skip(formatRefusal(probe.refusal));
  return (probe.device as unknown as { readonly gpu: Gpu }).gpu;
}

it('a lost device ends running requests with an error that says so, and the model can be opened again', async (context) => {
  const model = await open();
  const before = await model.complete(request);
  const gpu = await currentGpu(context);
  const running = [request, { ...request, prompt: [4, 5] }].map(async (one) => {
    let tokens = 0;
    for await (const chunk of model.generate(one)) {
      tokens += chunk.tokenIds.length;
      if (tokens === 3) gpu.destroy();
    }
  });
  const lost = {
    code: 'DEVICE_LOST',
    message: expect.stringMatching(/^SwiftShader.* was lost: .+\nOpen the model again\.$/),
  };
  for (const outcome of await Promise.allSettled(running)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: lost });
  }
  await expect(model.complete(request)).rejects.toMatchObject(lost);
  await model.close();

  const again = await open();
  expect(await again.complete(request)).toEqual(before);
  await again.close();
});

it('a hundred models opened and closed leave no buffer and no memory behind', async (context) => {
  const gpu = await currentGpu(context);
  const alive = new Set<Buffer>();
  const createBuffer = gpu.createBuffer.bind(gpu);
  gpu.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    alive.add(buffer);
    buffer.destroy = () => {
      alive.delete(buffer);
      destroy();
    };
    return buffer;
  };
  const memory: number[] = [];
  for (let cycle = 0; cycle < 100; cycle++) {
    const model = await open();
    if (cycle % 10 === 0) await model.complete({ ...request, sampling: { temperature: 0, maxTokens: 2 } });
    expect(alive.size).toBeGreaterThan(0);
    await model.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(alive.size, `buffers after model ${cycle}`).toBe(0);
    if (cycle % 10 === 9) memory.push(residentMebibytes());
  }
  // The first twenty fill caches and heaps; of the other eighty, none may leave a third of a MiB.
  expect(memory.at(-1)! - memory[1]!, `MiB after every tenth model: ${memory.join(', ')}`).toBeLessThan(24);
});

function residentMebibytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return Math.round(process.memoryUsage().rss / 2 ** 20);
}
