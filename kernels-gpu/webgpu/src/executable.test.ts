import {
  type CompileRequest,
  type KernelSelection,
  LowbitError,
  type ModuleDescription,
  plain,
  selectKernelFor,
} from '@lowbit/core';
import { memoryBytes, syntheticTensor } from '@lowbit/testkit';
import { expect, it, type TestContext } from 'vitest';
import { openDevice } from './device/open-device.ts';
import type { WebgpuDevice } from './device/webgpu-device.ts';
import { storageBuffer } from './gpu/storage-buffer.ts';
import { software } from './webgpu-backend.ts';

const vocabSize = 12;

/** An embedding and a head over the same table. */
function request(device: WebgpuDevice): CompileRequest<WebgpuDevice> {
  const form = { type: 'f32', dtype: 'F32', shape: [vocabSize, 8], layout: plain('out', 'in') } as const;
  const extents = [['out', vocabSize] as const, ['in', 8] as const];
  const numbers = Array.from({ length: vocabSize * 8 }, (_, i) => Math.sin(i));
  const { stored, ...tensor } = syntheticTensor('table', form, extents, numbers);
  const weight = { outFeatures: vocabSize, inFeatures: 8, codes: stored, scales: [] };
  const embedding = { kind: 'embedding', module: 'embed', scheme: '', weight } as const;
  const head = { kind: 'linear', module: 'head', scheme: '', weight } as const;
  const selections = new Map<string, KernelSelection>();
  for (const one of [embedding, head]) {
    selections.set(one.module, selectKernelFor(software.kernels, one, device, 'exact'));
  }
  return {
    program: {
      modelType: 'synthetic',
      vocabSize,
      contextLength: 2048,
      values: { hidden: 8 },
      modules: [
        { kind: 'embedding', name: 'embed', vocabSize, hiddenSize: 8 },
        { kind: 'linear', name: 'head', outFeatures: vocabSize, inFeatures: 8, hasBias: false, role: 'head' },
      ],
      operations: [
        { kind: 'embedding', module: 'embed', output: 'hidden' },
        { kind: 'logits', module: 'head', input: 'hidden' },
      ],
    },
    descriptions: new Map<string, ModuleDescription>([
      ['embed', embedding],
      ['head', head],
    ]),
    selections,
    device,
    numerics: 'exact',
    bytes: memoryBytes([tensor]),
    kvCache: { blockSize: 16, blocks: 64 },
  };
}

function batch(rows: number) {
  return {
    tokenIds: Int32Array.from({ length: rows }, (_, row) => row % vocabSize),
    positions: Int32Array.from({ length: rows }, (_, row) => row),
    sequences: [{ firstRow: 0, rows, blocks: Int32Array.from({ length: 64 }, (_, block) => block) }],
    logitRows: Int32Array.from({ length: rows }, (_, row) => row),
  };
}

/** A device of its own: to count its buffers, or to lose. */
async function ownDevice(context: TestContext): Promise<WebgpuDevice> {
  const opened = await openDevice({ kind: 'software' });
  return opened.kind === 'ready' ? opened.device : context.skip(opened.refusal.message);
}

it('cuts a batch that is larger than one submission', async (context) => {
  const device = await ownDevice(context);
  const executable = await software.compile(request(device));
  const logits = await executable.run(batch(530));
  expect(logits).toHaveLength(530 * vocabSize);
  const alone = await executable.run(batch(vocabSize));
  for (let row = 0; row < 530; row++) {
    const token = row % vocabSize;
    for (let id = 0; id < vocabSize; id++) {
      expect(logits[row * vocabSize + id]).toBeCloseTo(alone[token * vocabSize + id]!, 5);
    }
  }
  await executable.close();
});

it('gives back every buffer, load after load', async (context) => {
  const device = await ownDevice(context);
  const alive = new Set<GPUBuffer>();
  const { createBuffer } = device.gpu;
  device.gpu.createBuffer = (descriptor) => {
    const buffer = createBuffer.call(device.gpu, descriptor);
    alive.add(buffer);
    const { destroy } = buffer;
    buffer.destroy = () => {
      alive.delete(buffer);
      return destroy.call(buffer);
    };
    return buffer;
  };
  for (let cycle = 0; cycle < 100; cycle++) {
    const executable = await software.compile(request(device));
    if (cycle % 10 === 0) await executable.run(batch(3));
    await executable.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(alive.size, `buffers after load ${cycle}`).toBe(0);
  }
});

it('ends a run with an error when the device is lost, and opens again', async (context) => {
  const device = await ownDevice(context);
  const executable = await software.compile(request(device));
  const running = executable.run(batch(530));
  device.gpu.destroy();
  await expect(running).rejects.toSatisfy(LowbitError.isInstance);
  await expect(executable.run(batch(1))).rejects.toThrow(/was lost: .*\nOpen the model again\./s);
  await executable.close();
  const again = await software.compile(request(await ownDevice(context)));
  expect(await again.run(batch(1))).toHaveLength(vocabSize);
  await again.close();
});

it('refuses a buffer that one binding cannot cover, with the numbers', async (context) => {
  const device = await ownDevice(context);
  expect(() => storageBuffer(device, 2 ** 40, 'attention: cache of keys')).toThrow(
    /^attention: cache of keys takes 1099511627776 bytes, .* binds at most \d+\nUse a shorter context or fewer KV blocks, or/,
  );
});

it('ends a load with an error when memory runs out, and the next one has room again', async (context) => {
  const device = await ownDevice(context);
  const { popErrorScope, createBuffer } = device.gpu;
  const alive = new Set<GPUBuffer>();
  let full = false;
  device.gpu.createBuffer = (descriptor) => {
    full = descriptor.label?.startsWith('head') ?? false;
    const buffer = createBuffer.call(device.gpu, descriptor);
    alive.add(buffer);
    const { destroy } = buffer;
    buffer.destroy = () => {
      alive.delete(buffer);
      return destroy.call(buffer);
    };
    return buffer;
  };
  device.gpu.popErrorScope = async () => {
    const outOfMemory = full;
    const error = await popErrorScope.call(device.gpu);
    return outOfMemory ? ({ message: 'Out of memory' } as GPUError) : error;
  };
  await expect(software.compile(request(device))).rejects.toThrow(
    /^SwiftShader.* has no room for head: codes of \d+ bytes after the \d+ bytes that the model took\n/,
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(alive.size).toBe(0);
  Object.assign(device.gpu, { createBuffer, popErrorScope });
  const executable = await software.compile(request(device));
  expect(await executable.run(batch(1))).toHaveLength(vocabSize);
  await executable.close();
});
