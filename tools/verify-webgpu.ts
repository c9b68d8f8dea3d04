import { basename, join } from 'node:path';
import { createRegistry, formatRefusal } from '@lowbit/core';
import { software } from '@lowbit/kernels-webgpu';
import { verifyModel } from '@lowbit/runtime';
import { describe, expect, it } from 'vitest';
import { methodPackages } from './method-packages.ts';

/** Fixtures that take a driver in software long: experts, long prompts. They are verified with the slow tests. */
const slow = [
  'micro-mixtral-awq',
  'micro-llama-ct-kv-fp8',
  'micro-llama-ct-mixed',
  'micro-qwen2-ct-w8a8-static-asym',
  'micro-llama-gptq-dynamic',
  'micro-qwen3-auto-round',
  'micro-llama-modelslim-w8a8-mix',
  'micro-qwen3-moe-modelslim-w4a8',
  'micro-llama-quark-layer-config',
  'micro-llama-quark-mxfp6',
  'micro-qwen3-moe-quark-mxfp4',
];

/** Registers the recorded runs of the methods' fixtures on the WebGPU backend with a driver in software. */
export async function verifyFixtures(which: 'quick' | 'slow'): Promise<void> {
  const packages = await methodPackages();
  const registry = createRegistry({ methods: packages.map(({ method }) => method), backends: [software] });
  const probe = await software.probe();
  describe.each(packages)('webgpu: $name', ({ fixtures }) => {
    const wanted = fixtures
      .map((fixture) => ({ fixture, label: basename(fixture) }))
      .filter(({ label }) => slow.includes(label) === (which === 'slow'));
    it.for(wanted)('$label', async ({ fixture }, context) => {
      if (probe.kind === 'unavailable') return context.skip(formatRefusal(probe.refusal));
      const options = { registry, device: 'webgpu:software', against: join(fixture, 'golden.safetensors') };
      const { records } = await verifyModel(fixture, options);
      expect(records.filter(({ status }) => status === 'failed')).toEqual([]);
      expect(records.filter(({ status }) => status === 'passed')).not.toEqual([]);
    });
  });
}
