import { join } from 'node:path';
import awq from '@lowbit/awq';
import compressedTensors from '@lowbit/compressed-tensors';
import { createRegistry, type Numerics } from '@lowbit/core';
import gptq from '@lowbit/gptq';
import native from '@lowbit/kernels-cpu';
import { openModel } from '@lowbit/runtime';
import { describe, expect, it } from 'vitest';
import { root } from './workspace.ts';

const registry = createRegistry({ methods: [awq, compressedTensors, gptq], backends: [native] });
const probe = await native.probe();
const reason = probe.kind === 'unavailable' ? ` (${probe.refusal.message})` : '';

/** Attention with and without grouped heads, experts; codes of 4 and 8 bits, floats, activations quantized and not. */
const models = [
  'examples/models/dense-awq',
  'examples/models/moe-ct-w4a16',
  'packages/gptq/src/__fixtures__/micro-llama-gptq-desc-act',
  'packages/compressed-tensors/src/__fixtures__/micro-qwen2-ct-w8a8-static-asym',
  'packages/compressed-tensors/src/__fixtures__/micro-llama-ct-mxfp4',
];

describe.skipIf(probe.kind === 'unavailable')(`native: any number of threads gives the same bits${reason}`, () => {
  it.each(models.flatMap((model) => (['faithful', 'fast'] as const).map((numerics) => ({ model, numerics }))))(
    '$model, $numerics',
    async ({ model, numerics }) => {
      const [alone, ...others] = await Promise.all([1, 2, 5].map((threads) => runModel(model, numerics, threads)));
      expect(alone!.prefill.some((logit) => logit !== 0 && Number.isFinite(logit))).toBe(true);
      for (const other of others) expect(other).toEqual(alone);
    },
  );
});

/** Logits of a prompt in one piece, and of five sequences that are decoded together after prompts of several lengths. */
async function runModel(path: string, numerics: Numerics, threads: number) {
  const options = { registry, device: 'cpu:native', numerics, threads, kvCacheTokens: 4096, contextLength: 64 };
  const model = await openModel(join(root, path), options);
  try {
    const { vocabSize } = model.info;
    const prompt = (length: number) => Array.from({ length }, (_, index) => (7 * index + length) % vocabSize);
    const prefill = await model.logits(prompt(50));
    const sampling = { temperature: 0, maxTokens: 12, ignoreEos: true };
    const decoded = await Promise.all(
      [1, 3, 17, 33, 40].map((length) =>
        model.complete({ prompt: prompt(length), sampling, logprobs: { top: vocabSize > 1024 ? 64 : vocabSize } }),
      ),
    );
    return {
      prefill,
      tokens: decoded.map(({ tokenIds }) => tokenIds),
      logprobs: decoded.flatMap(({ logprobs }) => logprobs!.flatMap(({ top }) => top.map(({ logprob }) => logprob))),
    };
  } finally {
    await model.close();
  }
}
