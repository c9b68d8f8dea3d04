import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import compressedTensors from '@lowbit/compressed-tensors';
import { createRegistry, isJsonObject, type JsonObject } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { createByteSource } from '@lowbit/safetensors';
import { describe, expect, it } from 'vitest';
import { type ModelFolder, openModelFolder, readText } from '../checkpoint/model-folder.ts';
import { openModel } from '../open-model.ts';
import { explainModel } from '../plan/explain-model.ts';
import { verifyModel } from '../verify/verify-model.ts';

const root = fileURLToPath(new URL('../__fixtures__/deepseek/', import.meta.url));
const registry = createRegistry({ methods: [compressedTensors], backends: [reference] });

/** A fixture with some fields of its `config.json` changed. */
async function changed(name: string, change: JsonObject): Promise<ModelFolder> {
  const folder = await openModelFolder(join(root, name));
  const config: unknown = JSON.parse((await readText(folder, 'config.json')) ?? '');
  if (!isJsonObject(config)) throw new TypeError('config.json holds no object');
  const text = JSON.stringify({ ...config, ...change });
  return {
    ...folder,
    open: async (file) =>
      file === 'config.json' ? createByteSource(new TextEncoder().encode(text), file) : folder.open(file),
  };
}

const verify = (name: string, folder: string | ModelFolder = join(root, name)) =>
  verifyModel(folder, { registry, against: join(root, name, 'golden.safetensors') });

describe('DeepSeek checkpoints', () => {
  it.each([
    ['v2-lite', 0],
    ['v2', 0],
    ['v3', 0],
    ['v3-w4a16', 40],
  ])('%s gives the logits that transformers computed', async (name, weights) => {
    const { records } = await verify(name);
    expect(records.filter(({ status }) => status !== 'passed')).toEqual([]);
    expect(records.filter(({ kind }) => kind === 'weight-hash')).toHaveLength(weights);
    const logits = records.filter(({ kind }) => kind === 'logits');
    expect(logits).toHaveLength(3);
    // Both sides compute in f32 and add in another order; up to 1.3e-6 of the range was seen.
    for (const { measures } of logits) expect(measures?.relative).toBeLessThan(1e-5);
  });

  const yarn = { type: 'yarn', factor: 4, original_max_position_embeddings: 32, mscale: 1, mscale_all_dim: 1 };
  it.each<[string, JsonObject]>([
    ['v2-lite', { topk_method: 'group_limited_greedy', n_group: 4, topk_group: 2 }],
    ['v2-lite', { num_experts_per_tok: 2 }],
    ['v2', { topk_method: 'greedy' }],
    ['v2', { routed_scaling_factor: 1 }],
    ['v2', { rope_parameters: { ...yarn, rope_theta: 10_000, mscale: 0.9, mscale_all_dim: 0.9 } }],
    ['v3', { n_group: 1, topk_group: 1 }],
    ['v3', { n_group: 2, topk_group: 1 }],
    ['v3', { norm_topk_prob: false }],
    ['v3', { rope_interleave: false }],
    ['v3', { rope_scaling: { ...yarn, mscale_all_dim: 0 } }],
    ['v3', { rope_scaling: { ...yarn, type: 'linear' } }],
    ['v3', { rms_norm_eps: 1e-6 }],
  ])('%s shows that %j is not what its file says', async (name, change) => {
    const { passed } = await verify(name, await changed(name, change));
    expect(passed).toBe(false);
  });

  it('states the KV cache to the byte: keys and values have heads of their own sizes', async () => {
    const { bytes, modules } = await explainModel(join(root, 'v3'), { registry });
    // Two layers, two heads, keys of 12 + 8 features and values of 10; the reference backend holds f16 in 4 bytes.
    expect(bytes.kvCachePerToken).toBe(2 * 2 * (12 + 8 + 10) * 4);
    expect(modules.find(({ kind }) => kind === 'kvCache')?.layout).toBe('f16 [token, 2 heads, 20 and 10]');
    const model = await openModel(join(root, 'v3'), { registry, contextLength: 64 });
    const { memory } = model.info;
    await model.close();
    expect(memory.kvCache % bytes.kvCachePerToken).toBe(0);
    expect(memory.kvCache).toBeGreaterThan(0);
  });

  it('names the bias of the choice as a vector, and says why a layer for further tokens is left aside', async () => {
    const { modules, unused } = await explainModel(join(root, 'v3'), { registry });
    expect(modules.find(({ kind }) => kind === 'vector')).toMatchObject({
      module: 'model.layers.1.mlp.gate.e_score_correction_bias',
      layout: 'f32 [out]',
      rule: 'vectors are not quantized',
      storedBytes: 32,
    });
    const reason = 'a layer that predicts further tokens (num_nextn_predict_layers), which no run needs';
    expect(unused).toEqual(
      ['eh_proj', 'enorm', 'hnorm'].map((part) => ({ tensor: `model.layers.2.${part}.weight`, reason })),
    );
  });

  it('does not know tensors of such a layer where the file announces none', async () => {
    const folder = await changed('v3', { num_nextn_predict_layers: 0 });
    await expect(explainModel(folder, { registry })).rejects.toThrow('model.layers.2.eh_proj.weight');
  });

  it('quantizes what its file says, all projections of latent attention among it', async () => {
    const { modules } = await explainModel(join(root, 'v3-w4a16'), { registry });
    const unquantized = modules.filter(({ kind, scheme }) => kind === 'linear' && scheme === 'unquantized');
    expect(unquantized.map(({ module }) => module)).toEqual(['model.layers.1.mlp.gate', 'lm_head']);
    expect(modules.find(({ module }) => module.endsWith('kv_b_proj'))?.layout).toContain('4-bit');
  });

  it('refuses scales of a KV cache, which stand for compressed keys and values', async () => {
    const quantization = (await readText(await openModelFolder(join(root, 'v3-w4a16')), 'config.json')) ?? '';
    const { quantization_config } = JSON.parse(quantization) as { quantization_config: JsonObject };
    const kv_cache_scheme = { num_bits: 8, type: 'float', strategy: 'tensor', symmetric: true, dynamic: false };
    const folder = await changed('v3-w4a16', { quantization_config: { ...quantization_config, kv_cache_scheme } });
    await expect(explainModel(folder, { registry })).rejects.toThrow(
      /^the KV cache of model.layers.0.self_attn cannot be loaded\n {2}.*: keys with heads of 24 and values with heads of 16: its scales are for one size$/,
    );
  });
});
