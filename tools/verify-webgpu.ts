import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createRegistry, formatRefusal } from '@lowbit/core';
import { software } from '@lowbit/kernels-webgpu';
import { verifyModel } from '@lowbit/runtime';
import { describe, expect, it } from 'vitest';
import { goodReasons } from './good-reasons.ts';
import { methodPackages } from './method-packages.ts';
import { root } from './workspace.ts';

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

/** Fixtures of architectures: unquantized, but for one. */
const architectures = ['decoders', 'deepseek', 'multimodal'].flatMap((kind) => {
  const folder = join(root, 'packages/runtime/src/__fixtures__', kind);
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return entries.map(({ name }) => join(folder, name));
});

/**
 * Registers the recorded runs of all fixtures on the WebGPU backend with a driver in software. Its sums are added in another
 * order than those recorded, and no tolerance is wider for that: `verify` judges as it does for every backend, weights to the bit.
 */
export async function verifyFixtures(which: 'quick' | 'slow'): Promise<void> {
  const packages = await methodPackages();
  const registry = createRegistry({ methods: packages.map(({ method }) => method), backends: [software] });
  const probe = await software.probe();
  const groups = [...packages, { name: 'architectures', fixtures: architectures }];

  it('the slow ones are fixtures', () => {
    const labels = groups.flatMap(({ fixtures }) => fixtures.map((fixture) => basename(fixture)));
    expect(slow.filter((label) => !labels.includes(label))).toEqual([]);
  });

  const wanted = groups.map(({ name, fixtures }) => ({
    name,
    labelled: fixtures
      .map((fixture) => ({ fixture, label: basename(fixture) }))
      .filter(({ label }) => slow.includes(label) === (which === 'slow')),
  }));
  describe.each(wanted.filter(({ labelled }) => labelled.length > 0))('webgpu: $name', ({ name, labelled }) => {
    it.for(labelled)('$label', async ({ fixture }, context) => {
      if (probe.kind === 'unavailable') return context.skip(formatRefusal(probe.refusal));
      const options = { registry, device: 'webgpu:software', against: join(fixture, 'golden.safetensors') };
      const { records } = await verifyModel(fixture, options);
      const wrong = records.filter(
        ({ status, rule }) =>
          status === 'failed' || (status === 'unchecked' && !goodReasons.some((reason) => reason.test(rule))),
      );
      expect(wrong).toEqual([]);
      expect(records.filter(({ status }) => status === 'passed')).not.toEqual([]);
      if (name !== 'architectures') return;
      // f32 against f32: at most 1.8e-6 of the range was seen.
      for (const { record, kind, measures } of records) {
        if (kind === 'logits') expect(measures?.relative, record).toBeLessThan(1e-5);
      }
    });
  });
}
