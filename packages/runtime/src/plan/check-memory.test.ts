import { createRegistry } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { expect, it } from 'vitest';
import { openModel } from '../open-model.ts';
import type { OpenOptions } from '../open-options.ts';
import { memoryFolder } from '../test-support/tiny-checkpoint.ts';
import { explainModel } from './explain-model.ts';

const registry = createRegistry({ backends: [reference] });
const options = { registry, kvCacheTokens: 256, prefillChunk: 60, maxRunningRequests: 4, numerics: 'exact' } as const;
const open = async (more: Partial<OpenOptions>) => (await openModel(memoryFolder(), { ...options, ...more })).close();

/** Bytes that the tiny model takes by its plan: without KV cache, and per token of it. */
async function needs() {
  const { bytes } = await explainModel(memoryFolder(), options);
  const logits = 4 * 11 * 4;
  return { fixed: bytes.device + 64 * bytes.workspacePerToken + logits, perToken: bytes.kvCachePerToken };
}

it('opens what fits to the byte, and refuses one byte less with the sizes and what would fit', async () => {
  const { fixed, perToken } = await needs();
  const memoryLimit = fixed + 256 * perToken;
  await open({ memoryLimit });
  await expect(open({ memoryLimit: memoryLimit - 1 })).rejects.toMatchObject({
    code: 'DEVICE_MEMORY',
    message: expect.stringMatching(
      /^.+ may hold [\d.]+ KiB, the model needs [\d.]+ KiB: weights [\d.]+ KiB, a KV cache of 256 tokens 16 KiB, batches of 64 tokens [\d.]+ KiB\nA KV cache of at most 240 tokens fits \(kvCacheTokens; lowbit serve --max-total-tokens\)\.$/,
    ),
  });
  await open({ memoryLimit: memoryLimit - 1, kvCacheTokens: 240 });
});

it('says which context would fit', async () => {
  const { fixed, perToken } = await needs();
  const memoryLimit = fixed + 40 * perToken;
  await expect(open({ memoryLimit })).rejects.toThrow(
    'A context of at most 32 tokens, and a KV cache of as many, fits (contextLength and kvCacheTokens; lowbit serve --context-length and --max-total-tokens).',
  );
  await open({ memoryLimit, contextLength: 32, kvCacheTokens: 32 });
});

it('names the largest weight where no context fits', async () => {
  await expect(open({ memoryLimit: 1000 })).rejects.toThrow(
    'No context fits beside the weights: use a smaller model or another device. The largest of its weights is model.layers.0.mlp.gate_proj, 384 B.',
  );
});

it('reads no weight of a model that is refused', async () => {
  const folder = memoryFolder();
  const reads: string[] = [];
  const watched = {
    ...folder,
    open: async (name: string) => {
      const source = await folder.open(name);
      return {
        ...source,
        read: (start: number, end: number) => {
          reads.push(`${name} ${start}`);
          return source.read(start, end);
        },
      };
    },
  };
  await expect(openModel(watched, { ...options, memoryLimit: 1000 })).rejects.toThrow('may hold');
  const header = reads.filter((read) => read.startsWith('model.safetensors'));
  expect(
    header.every((read) => ['0', '8'].includes(read.split(' ')[1]!)),
    header.join(),
  ).toBe(true);
});

it('takes what a device says that it has for the limit', async () => {
  const device = { kind: 'cpu', name: 'a small one', memory: 1000 };
  const small = { ...reference, probe: async () => ({ kind: 'ready', device }) as const };
  const smallRegistry = createRegistry({ backends: [small] });
  const opening = openModel(memoryFolder(), { ...options, registry: smallRegistry, memoryLimit: 2 ** 30 });
  await expect(opening).rejects.toThrow(/^a small one has 1000 B, the model needs/);
});
