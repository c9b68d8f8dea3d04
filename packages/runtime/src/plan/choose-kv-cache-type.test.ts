import {
  type Backend,
  createRegistry,
  type ElementType,
  type KvCacheDescription,
  type KvQuantization,
  type Numerics,
  plain,
  type QuantizationMethod,
} from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { writeSafetensors } from '@lowbit/safetensors';
import { describe, expect, it } from 'vitest';
import type { KvCacheType } from '../open-options.ts';
import { floats, memoryFolder, tinyConfig, tinyTensors } from '../test-support/tiny-checkpoint.ts';
import { planModel } from './plan-model.ts';

interface Cache {
  readonly type: ElementType;
  readonly scaled?: boolean;
  readonly zeros?: boolean;
}

/** A method that quantizes nothing but the KV cache. */
function cacheMethod({ type, scaled = false, zeros = false }: Cache): QuantizationMethod {
  const unquantized = { kind: 'unquantized', rule: 'only the KV cache is quantized' } as const;
  return {
    specificationVersion: 'v1',
    name: 'cached',
    match: { quantMethod: ['cached'] },
    variants: [],
    parseConfig: () => ({
      method: 'cached',
      settings: {},
      warnings: [],
      linearScheme: () => unquantized,
      embeddingScheme: () => unquantized,
      moeScheme: () => unquantized,
      kvCacheScheme: () => ({
        kind: 'scheme',
        scheme: {
          name: 'cached',
          describe({ name, numKvHeads, headSize }, tensors): KvCacheDescription {
            const table = (suffix: string) => {
              const ref = tensors.claim(`${name}.${suffix}`, { dtype: ['F32'], shape: [1] });
              return { ref, type: 'f32', layout: plain('out'), block: [numKvHeads * headSize, 1] } as const;
            };
            const part = (letter: string): KvQuantization => ({
              scale: table(`${letter}_scale`),
              ...(zeros ? { zero: table(`${letter}_zero`) } : {}),
            });
            const quantization = scaled ? { quantization: { key: part('k'), value: part('v') } } : {};
            return { kind: 'kvCache', module: name, scheme: 'cached', type, numKvHeads, headSize, ...quantization };
          },
        },
      }),
    }),
  };
}

async function plan(
  cache: Cache | undefined,
  kvCacheType?: KvCacheType,
  { numerics, backend = reference }: { readonly numerics?: Numerics; readonly backend?: Backend } = {},
) {
  const tensors = tinyTensors();
  for (const layer of [0, 1]) {
    const add = (suffix: string) => {
      tensors[`model.layers.${layer}.self_attn.${suffix}`] = floats(1);
    };
    if (cache?.scaled) for (const suffix of ['k_scale', 'v_scale']) add(suffix);
    if (cache?.zeros) for (const suffix of ['k_zero', 'v_zero']) add(suffix);
  }
  const config = cache ? { ...tinyConfig, quantization_config: { quant_method: 'cached' } } : tinyConfig;
  const folder = memoryFolder({ 'config.json': config, 'model.safetensors': writeSafetensors(tensors) });
  const registry = createRegistry({ methods: cache ? [cacheMethod(cache)] : [], backends: [backend] });
  const planned = await planModel(folder, { registry, kvCacheType, numerics });
  await planned.checkpoint.close();
  const { description, rule } = planned.modules.get('model.layers.1.self_attn')!;
  const unused = [...planned.unused].map(([name, { reason }]) => `${name}: ${reason}`);
  return { cache: description as KvCacheDescription, rule, warnings: planned.warnings, unused };
}

const scaled: Cache = { type: 'f8e4m3', scaled: true };

describe('kvCacheType', () => {
  it.each([undefined, 'auto'] as const)('%s: as the checkpoint says', async (kvCacheType) => {
    const { cache, warnings, unused } = await plan(scaled, kvCacheType);
    expect(cache).toMatchObject({ type: 'f8e4m3', scheme: 'cached', quantization: { key: { scale: {} } } });
    expect([...warnings, ...unused]).toEqual([]);
  });

  it.each([
    [undefined, 'f16', 'the checkpoint is not quantized; f16 with numerics fast'],
    ['fast', 'f16', 'the checkpoint is not quantized; f16 with numerics fast'],
    ['faithful', 'f32', 'the checkpoint is not quantized'],
    ['exact', 'f32', 'the checkpoint is not quantized'],
  ] as const)('auto on a checkpoint that says nothing, numerics %s: %s', async (numerics, type, rule) => {
    const planned = await plan(undefined, 'auto', numerics ? { numerics } : {});
    expect(planned).toEqual({
      cache: { ...planned.cache, type, scheme: 'unquantized' },
      rule,
      warnings: [],
      unused: [],
    });
  });

  it('auto with numerics fast stays f32 where the backend has no f16', async () => {
    const backend: Backend = {
      ...reference,
      kernels: {
        ...reference.kernels,
        kvCache: reference.kernels.kvCache.map((kernel) => ({
          ...kernel,
          refuse: ({ type }) =>
            type === 'f32'
              ? undefined
              : { by: kernel.name, code: 'KV_CACHE_TYPE', message: `keys and values as ${type}` },
        })),
      },
    };
    expect(await plan(undefined, 'auto', { numerics: 'fast', backend })).toMatchObject({ cache: { type: 'f32' } });
    await expect(plan(undefined, 'f16', { numerics: 'fast', backend })).rejects.toThrow('keys and values as f16');
  });

  it('a named type holds with numerics fast too', async () => {
    expect(await plan(undefined, 'f32', { numerics: 'fast' })).toMatchObject({ cache: { type: 'f32' } });
  });

  it.each([
    ['f16', 'f16'],
    ['bf16', 'bf16'],
  ] as const)('%s on a checkpoint that says nothing', async (kvCacheType, type) => {
    const { cache, rule, warnings } = await plan(undefined, kvCacheType);
    expect(cache).toMatchObject({ type, scheme: 'unquantized' });
    expect(rule).toBe(`${kvCacheType} was asked for`);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['fp8_e4m3', 'f8e4m3'],
    ['fp8_e5m2', 'f8e5m2'],
  ] as const)('%s without scales: a scale of 1, said aloud', async (kvCacheType, type) => {
    const { cache, rule, warnings } = await plan(undefined, kvCacheType);
    expect(cache).toMatchObject({ type, scheme: kvCacheType });
    expect(cache).not.toHaveProperty('quantization');
    expect(rule).toBeUndefined();
    expect(warnings).toEqual([
      `the KV cache is kept as ${kvCacheType} with a scale of 1: the checkpoint has no scales for it`,
    ]);
  });

  it('fp8 on a checkpoint with scales uses them', async () => {
    expect(await plan(scaled, 'fp8_e4m3')).toMatchObject({ cache: { type: 'f8e4m3', scheme: 'cached' }, warnings: [] });
    const { cache, warnings, unused } = await plan(scaled, 'fp8_e5m2');
    expect(cache).toMatchObject({ type: 'f8e5m2', scheme: 'fp8_e5m2' });
    expect(cache.quantization?.value.scale.ref.name).toBe('model.layers.1.self_attn.v_scale');
    expect([...warnings, ...unused]).toEqual([]);
  });

  it('fp8 on a checkpoint with int8 and zero points uses the scales alone', async () => {
    const { cache, warnings, unused } = await plan({ type: 'i8', scaled: true, zeros: true }, 'fp8_e4m3');
    expect(cache.quantization?.key.scale.ref.name).toBe('model.layers.1.self_attn.k_scale');
    expect(cache.quantization?.key).not.toHaveProperty('zero');
    expect(warnings).toEqual([
      "the KV cache is kept as fp8_e4m3, as asked for; the checkpoint's zero points for i8 are left aside",
    ]);
    expect(unused).toHaveLength(4);
  });

  it.each([
    ['f32', 'f32'],
    ['f16', 'f16'],
    ['bf16', 'bf16'],
  ] as const)('%s on a checkpoint with scales leaves them aside, said aloud', async (kvCacheType, type) => {
    const { cache, warnings, unused } = await plan(scaled, kvCacheType);
    expect(cache).toMatchObject({ type, scheme: 'unquantized' });
    expect(cache).not.toHaveProperty('quantization');
    expect(warnings).toEqual([
      `the KV cache is kept as ${kvCacheType}, as asked for, where the checkpoint wants f8e4m3; its scales are left aside`,
    ]);
    expect(unused).toHaveLength(4);
    expect(unused[0]).toBe(
      `model.layers.0.self_attn.k_scale: it belongs to a KV cache in f8e4m3, and ${kvCacheType} was asked for`,
    );
  });

  it('does not speak of scales that there are not', async () => {
    expect((await plan({ type: 'f8e4m3' }, 'bf16')).warnings).toEqual([
      'the KV cache is kept as bf16, as asked for, where the checkpoint wants f8e4m3',
    ]);
  });

  it('names the types that there are', async () => {
    await expect(plan(undefined, 'nvfp4' as KvCacheType)).rejects.toThrow(
      'KV cache type nvfp4: expected auto, f32, f16, bf16, fp8_e4m3, fp8_e5m2',
    );
  });
});
