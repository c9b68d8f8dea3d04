import type { Explanation, ModuleExplanation, PlanOptions } from '@lowbit/runtime';
import { describe, expect, it } from 'vitest';
import { fakeRuntime } from '../test-support/fake-runtime.ts';
import { runCommand } from '../test-support/run-command.ts';

const layers = [0, 1, 2];

const quantized = (name: string, storedBytes: number): readonly ModuleExplanation[] =>
  layers.map((layer) => ({
    module: `model.layers.${layer}.${name}`,
    kind: 'linear',
    scheme: 'w4a16',
    layout: 'u4 [in, out/8] x 4-bit (out%2, out/2%4) in 32-bit words',
    kernel: 'reference/dequantize',
    refusals: [{ by: 'native/w4a16', code: 'GROUP_SIZE', message: 'group size 48, needs a multiple of 32' }],
    approximation: 'nothing worth a word',
    storedBytes,
    deviceBytes: 4 * storedBytes,
  }));

const explanation: Explanation = {
  path: '/models/m',
  architecture: 'Qwen3ForCausalLM',
  method: 'awq',
  aliases: ['awq_marlin', 'marlin'],
  settings: { bits: 4, groupSize: 48 },
  backend: 'cpu:reference',
  device: 'a processor',
  numerics: 'faithful',
  backendRefusals: [{ by: 'cpu:native', code: 'NO_CPU', message: 'no AVX2' }],
  modules: [
    {
      module: 'model.embed_tokens',
      kind: 'embedding',
      scheme: 'unquantized',
      rule: 'embeddings are never quantized',
      layout: 'f16 [out, in]',
      kernel: 'reference/embedding',
      refusals: [],
      storedBytes: 4096,
      deviceBytes: 8192,
    },
    ...quantized('self_attn.q_proj', 1024),
    ...quantized('mlp.up_proj', 2048),
    ...layers.map(
      (layer): ModuleExplanation => ({
        module: `model.layers.${layer}.self_attn`,
        kind: 'kvCache',
        scheme: 'unquantized',
        layout: 'f32',
        kernel: 'reference/kv-cache',
        refusals: [],
        storedBytes: 0,
        deviceBytes: 512,
      }),
    ),
  ],
  unused: layers.map((layer) => ({ tensor: `model.layers.${layer}.rotary_emb.inv_freq`, reason: 'computed anew' })),
  warnings: ['a rule surprises'],
  bytes: { stored: 13_312, device: 45_056, kvCachePerToken: 1536, workspacePerToken: 2048 },
};

function explaining() {
  const asked: PlanOptions[] = [];
  const runtime = fakeRuntime({
    explainModel: async (_folder, options) => {
      asked.push(options);
      return explanation;
    },
  });
  return { runtime, asked };
}

describe('lowbit explain', () => {
  it('joins modules that share everything but their layer', async () => {
    const { code, stdout, stderr } = await runCommand(['explain', '.'], explaining().runtime);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'warning: a rule surprises\n' });
    expect(stdout).toMatchInlineSnapshot(`
      "model       /models/m (Qwen3ForCausalLM)
      method      awq bits=4 groupSize=48
      known as    awq_marlin, marlin
      backend     cpu:reference on a processor
      numerics    faithful
      not chosen  cpu:native: no AVX2

      embedding: unquantized (1 module)
        because    embeddings are never quantized
        stored as  f16 [out, in]
        kernel     reference/embedding
        module              count    stored  on device
        model.embed_tokens      1  4.00 KiB   8.00 KiB

      linear: w4a16 (6 modules)
        stored as     u4 [in, out/8] x 4-bit (out%2, out/2%4) in 32-bit words
        kernel        reference/dequantize
        refused       native/w4a16: group size 48, needs a multiple of 32
        approximates  nothing worth a word
        module                                count    stored  on device
        model.layers.{0..2}.self_attn.q_proj      3  3.00 KiB   12.0 KiB
        model.layers.{0..2}.mlp.up_proj           3  6.00 KiB   24.0 KiB

      KV cache: unquantized (3 modules)
        stored as  f32
        kernel     reference/kv-cache
        module                         count  stored  per token
        model.layers.{0..2}.self_attn      3       -   1.50 KiB

      left aside                               why
      model.layers.{0..2}.rotary_emb.inv_freq  computed anew

      13.0 KiB stored; on the device 44.0 KiB, and 1.50 KiB of KV cache per token;
      2.00 KiB more per token of a running batch
      "
    `);
  });

  it('has one row per module with --modules', async () => {
    const { stdout } = await runCommand(['explain', '.', '--modules'], explaining().runtime);
    for (const { module } of explanation.modules) expect(stdout).toContain(`  ${module} `);
  });

  it('hands on device and numerics', async () => {
    const { runtime, asked } = explaining();
    await runCommand(['explain', '.', '--device', 'cpu:reference', '--numerics', 'fast'], runtime);
    expect(asked[0]).toMatchObject({ device: 'cpu:reference', numerics: 'fast', kvCacheType: undefined });
  });

  it.each([
    ['auto', 'auto'],
    ['f32', 'f32'],
    ['f16', 'f16'],
    ['bf16', 'bf16'],
    ['bfloat16', 'bf16'],
    ['fp8_e4m3', 'fp8_e4m3'],
    ['fp8_e5m2', 'fp8_e5m2'],
  ])('hands on --kv-cache-dtype %s as %s', async (name, kvCacheType) => {
    const { runtime, asked } = explaining();
    await runCommand(['explain', '.', '--kv-cache-dtype', name], runtime);
    expect(asked[0]).toMatchObject({ kvCacheType });
  });

  it('prints the explanation as it is with --json', async () => {
    const { stdout } = await runCommand(['explain', '.', '--json'], explaining().runtime);
    expect(JSON.parse(stdout)).toEqual(explanation);
  });
});
