import {
  type Backend,
  createRegistry,
  type Device,
  describeUnquantized,
  type LinearKernel,
  type LinearScheme,
  type QuantizationConfig,
  type QuantizationMethod,
  type Refusal,
} from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { writeSafetensors } from '@lowbit/safetensors';
import { describe, expect, it } from 'vitest';
import { floats, memoryFolder, type Tensors, tinyConfig, tinyTensors } from '../test-support/tiny-checkpoint.ts';
import { explainModel } from './explain-model.ts';
import { inspectModel } from './inspect-model.ts';
import { missingPlugins } from './known-plugins.ts';

const registry = createRegistry({ backends: [reference] });

function explain(files?: Readonly<Record<string, unknown>>, options?: { device?: string; contextLength?: number }) {
  return explainModel(memoryFolder(files), { registry, ...options });
}

function withTensors(change: (tensors: Tensors) => void): Readonly<Record<string, unknown>> {
  const tensors = tinyTensors();
  change(tensors);
  return { 'model.safetensors': writeSafetensors(tensors) };
}

describe('explainModel', () => {
  it('plans an unquantized checkpoint without a method', async () => {
    const explanation = await explain();
    expect(explanation).toMatchObject({
      method: 'unquantized',
      backend: 'cpu:reference',
      numerics: 'fast',
      unused: [],
      warnings: [],
    });
    expect(explanation.modules.map(({ module }) => module)).toContain('model.layers.1.mlp.down_proj');
    expect(explanation.modules.find(({ module }) => module === 'model.layers.0.self_attn.q_proj')).toMatchObject({
      kind: 'linear',
      scheme: 'unquantized',
      rule: 'the checkpoint is not quantized',
      layout: 'f32 [out, in]',
      kernel: 'reference/dequantize',
      storedBytes: 8 * 8 * 4,
    });
    const stored = Object.values(tinyTensors()).reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(explanation.bytes.stored).toBe(stored);
    // Two layers, keys and values, one head of 4 features; the reference backend holds f16 in 4 bytes.
    expect(explanation.bytes.kvCachePerToken).toBe(2 * 2 * 4 * 4);
    // hidden, normed, query, attended, update; key, value; gate, up: f32.
    expect(explanation.bytes.workspacePerToken).toBe((5 * 8 + 2 * 4 + 2 * 12) * 4);
  });

  it.each<[string, (tensors: Tensors) => void, string]>([
    [
      'missing',
      (tensors) => delete tensors['model.layers.1.mlp.up_proj.weight'],
      'tensor model.layers.1.mlp.up_proj.weight: expected F32 or F16 or BF16 [12, 8], found no such tensor',
    ],
    [
      'left over',
      (tensors) => (tensors['model.layers.0.self_attn.q_proj.lora'] = floats(8)),
      'tensor model.layers.0.self_attn.q_proj.lora: expected every tensor to belong to a module of the model, found a tensor that no module uses',
    ],
    [
      'of another shape',
      (tensors) => (tensors['model.norm.weight'] = floats(9)),
      'tensor model.norm.weight: expected [8], found [9]',
    ],
    [
      'of another type',
      (tensors) => (tensors['lm_head.weight'] = { dtype: 'I8', shape: [11, 8], bytes: new Uint8Array(88) }),
      'tensor lm_head.weight: expected F32 or F16 or BF16, found I8',
    ],
  ])('names a tensor that is %s', async (_, change, message) => {
    await expect(explain(withTensors(change))).rejects.toThrow(message);
  });

  it('shares a tied table, and leaves a copy of it aside by rule', async () => {
    const config = { ...tinyConfig, tie_word_embeddings: true };
    const explanation = await explain({ 'config.json': config });
    expect(explanation.unused).toEqual([
      { tensor: 'lm_head.weight', reason: 'a copy of model.embed_tokens.weight: config.json says tie_word_embeddings' },
    ]);
    const head = explanation.modules.find(({ module }) => module === 'lm_head');
    expect(head).toMatchObject({ rule: 'tied to model.embed_tokens', storedBytes: 11 * 8 * 4 });
  });

  it.each([
    ['config.json', 'not json', 'config.json: expected JSON, found'],
    ['config.json', '[]', 'config.json: expected a JSON object, found []'],
    ['model.safetensors', undefined, '*.safetensors'],
  ])('says what is wrong with %s = %j', async (file, content, message) => {
    await expect(explain({ [file]: content })).rejects.toThrow(message);
  });

  it('limits the context, and not beyond the model', async () => {
    await expect(explain({}, { contextLength: 65 })).rejects.toThrow(
      "context length 65: expected a whole number from 1 to the model's 64",
    );
  });
});

describe('methods', () => {
  it('names the package of a method that is not at hand', async () => {
    const config = { ...tinyConfig, quantization_config: { quant_method: 'AWQ', bits: 4 } };
    await expect(explain({ 'config.json': config })).rejects.toThrow(
      'no method for "awq" (present: none)\nconfig.json: quantization_config says so. Install it: npm install @lowbit/awq (libraries: pass it to createRegistry).',
    );
  });

  it('knows a method by a file beside config.json too', async () => {
    const config = { bits: 4, group_size: 128, zero_point: true };
    await expect(explain({ 'quantize_config.json': config })).rejects.toThrow(
      'no method for "awq" (present: none)\nquantize_config.json says so. Install it: npm install @lowbit/awq (libraries: pass it to createRegistry).',
    );
  });

  it('is honest about a method that lowbit has no package for', async () => {
    const config = { ...tinyConfig, compression_config: { quant_method: 'rot13' } };
    await expect(explain({ 'config.json': config })).rejects.toThrow(
      `no method for "rot13" (present: none)\nconfig.json: compression_config says so. No package of lowbit's own reads rot13`,
    );
  });

  it('lets a tied head be quantized by itself', async () => {
    const scheme: LinearScheme = {
      name: 'own-head',
      describe: (spec, tensors) => ({ ...describeUnquantized(spec, tensors), scheme: 'own-head' }),
    };
    const unquantized = { kind: 'unquantized', rule: 'not listed' } as const;
    const method: QuantizationMethod = {
      specificationVersion: 'v1',
      name: 'headed',
      match: { quantMethod: ['headed'] },
      variants: [],
      parseConfig: () => ({
        method: 'headed',
        settings: {},
        warnings: [],
        linearScheme: ({ role }) => (role === 'head' ? { kind: 'scheme', scheme } : unquantized),
        embeddingScheme: () => unquantized,
        kvCacheScheme: () => unquantized,
        moeScheme: () => unquantized,
      }),
    };
    const config = { ...tinyConfig, tie_word_embeddings: true, quantization_config: { quant_method: 'headed' } };
    const { modules, unused } = await explainModel(memoryFolder({ 'config.json': config }), {
      registry: createRegistry({ methods: [method], backends: [reference] }),
    });
    expect(modules.at(-1)).toMatchObject({ module: 'lm_head', scheme: 'own-head' });
    expect(unused).toEqual([]);
  });

  it('stops at a refused module, with the reason', async () => {
    const method: QuantizationMethod = {
      specificationVersion: 'v1',
      name: 'picky',
      match: { quantMethod: ['picky'] },
      variants: [],
      parseConfig: () => ({
        method: 'picky',
        settings: {},
        warnings: [],
        linearScheme: () => ({ kind: 'refused', refusal: { by: 'picky', code: 'BITS', message: 'bits 5, needs 4' } }),
        embeddingScheme: () => ({ kind: 'unquantized', rule: 'never' }),
        kvCacheScheme: () => ({ kind: 'unquantized', rule: 'never' }),
        moeScheme: () => ({ kind: 'unquantized', rule: 'never' }),
      }),
    };
    const config = { ...tinyConfig, quantization_config: { quant_method: 'picky' } };
    const plan = explainModel(memoryFolder({ 'config.json': config }), {
      registry: createRegistry({ methods: [method], backends: [reference] }),
    });
    await expect(plan).rejects.toThrow('model.layers.0.self_attn.q_proj cannot be loaded\n  picky: bits 5, needs 4');
  });
});

describe('backends', () => {
  const refusal: Refusal = { by: 'x', code: 'GROUP_SIZE', message: 'group size 32, needs 128' };
  const device: Device = { kind: 'cpu', name: 'made up' };

  function madeUp(name: string, options: Partial<Backend> = {}): Backend {
    return { ...reference, name, oracle: false, probe: async () => ({ kind: 'ready', device }), ...options };
  }

  const choosy = (): LinearKernel => ({ ...reference.kernels.linear[0]!, name: 'choosy', refuse: () => refusal });
  const explainWith = (backends: readonly Backend[], wanted = 'cpu') =>
    explainModel(memoryFolder(), { registry: createRegistry({ backends }), device: wanted });

  it('prefers anything to an oracle, whatever the order', async () => {
    expect(await explainWith([reference, madeUp('fast')])).toMatchObject({ backend: 'cpu:fast', device: 'made up' });
    expect(await explainWith([reference, madeUp('fast')], 'cpu:reference')).toMatchObject({ backend: 'cpu:reference' });
  });

  it('falls back past a backend that is not there, broken, or has no kernel, and keeps the reasons', async () => {
    const explanation = await explainWith([
      madeUp('absent', {
        probe: async () => ({
          kind: 'unavailable',
          refusal: { by: 'absent', code: 'NO_DEVICE', message: 'no driver' },
        }),
      }),
      madeUp('broken', { probe: () => Promise.reject(new Error('symbol not found')) }),
      madeUp('choosy', { kernels: { ...reference.kernels, linear: [choosy()] } }),
      reference,
    ]);
    expect(explanation.backend).toBe('cpu:reference');
    expect(explanation.backendRefusals).toMatchObject([
      { by: 'cpu:absent', code: 'NO_DEVICE', message: 'no driver' },
      { by: 'cpu:broken', code: 'LOAD_FAILED', message: 'symbol not found' },
      { by: 'cpu:choosy', code: 'NO_KERNEL', message: expect.stringContaining('group size 32, needs 128') },
    ]);
  });

  it('keeps the refusals of kernels that came before the chosen one', async () => {
    const backend = madeUp('two', {
      kernels: { ...reference.kernels, linear: [choosy(), ...reference.kernels.linear] },
    });
    const { modules } = await explainWith([backend]);
    const linear = modules.find(({ kind }) => kind === 'linear');
    expect(linear).toMatchObject({ kernel: 'reference/dequantize', refusals: [refusal] });
  });

  it('says why none will do', async () => {
    const backend = madeUp('choosy', { kernels: { ...reference.kernels, linear: [choosy()] } });
    await expect(explainWith([backend])).rejects.toThrow(
      'no backend for cpu can run this model\n  cpu:choosy: no kernel runs model.layers.0.self_attn.q_proj\n  x: group size 32, needs 128',
    );
  });

  it('takes a backend that wants to be named by its name only', async () => {
    const shy = madeUp('shy', { byNameOnly: true });
    await expect(explainWith([shy])).rejects.toThrow(
      'no backend for "cpu" (present: cpu:shy)\nName the backend: cpu:shy is chosen by its name only.',
    );
    expect(await explainWith([shy, reference])).toMatchObject({ backend: 'cpu:reference', backendRefusals: [] });
    expect(await explainWith([shy, reference], 'cpu:shy')).toMatchObject({ backend: 'cpu:shy' });
  });

  it('hands the name of one of several devices to the backend, and refuses it where there is one only', async () => {
    const choosing = madeUp('choosing', {
      probe: async (wanted) => ({ kind: 'ready', device: { kind: 'cpu', name: `the one called ${wanted}` } }),
      listDevices: async () => [],
    });
    expect(await explainWith([choosing], 'cpu:choosing:a:b')).toMatchObject({ device: 'the one called a:b' });
    await expect(explainWith([reference], 'cpu:reference:second')).rejects.toThrow(
      'no backend for cpu:reference:second can run this model\n  cpu:reference: device "second" was asked for, and this backend has one device only (--device cpu:reference)',
    );
  });

  it('names the package of a backend that is not at hand', async () => {
    await expect(explainWith([])).rejects.toThrow(
      'no backend for "cpu" (present: none)\nInstall it: npm install @lowbit/kernels-cpu or @lowbit/kernels-cpu-reference (libraries: pass it to createRegistry).',
    );
    await expect(explainWith([reference], 'tpu')).rejects.toThrow(
      'no backend for "tpu" (present: cpu:reference)\nBackends of lowbit\'s own: cpu:native (@lowbit/kernels-cpu), cpu:reference (@lowbit/kernels-cpu-reference), webgpu:hardware (@lowbit/kernels-webgpu), webgpu:software (@lowbit/kernels-webgpu).',
    );
  });
});

describe('missingPlugins', () => {
  it("lists lowbit's own that are not at hand", () => {
    expect(missingPlugins(createRegistry({}))).toContainEqual({ kind: 'method', name: 'awq', package: '@lowbit/awq' });
    expect(missingPlugins(registry).filter(({ kind }) => kind === 'backend')).toEqual([
      { kind: 'backend', name: 'cpu:native', package: '@lowbit/kernels-cpu' },
      { kind: 'backend', name: 'webgpu:hardware', package: '@lowbit/kernels-webgpu' },
      { kind: 'backend', name: 'webgpu:software', package: '@lowbit/kernels-webgpu' },
    ]);
  });
});

describe('inspectModel', () => {
  it('lists tensors and sizes without any method, and says what it cannot tell', async () => {
    const config = { ...tinyConfig, quantization_config: { quant_method: 'awq', bits: 4 } };
    const inspection = await inspectModel(memoryFolder({ 'config.json': config }), { registry: createRegistry({}) });
    expect(inspection).toMatchObject({
      architecture: 'LlamaForCausalLM',
      quantMethod: 'awq',
      quantizationSource: 'config.json: quantization_config',
      notes: [expect.stringContaining('No installed method reads awq. Install it: npm install @lowbit/awq')],
      files: [{ name: 'model.safetensors', tensors: 21 }],
    });
    expect(inspection.settings).toBeUndefined();
    expect(inspection.tensors).toHaveLength(21);
    expect(inspection.bytesByDType).toEqual({ F32: inspection.totalBytes });
  });

  it('says which file beside config.json names the method', async () => {
    const files = { 'quantize_config.json': { bits: 4, group_size: 128, zero_point: true } };
    const inspection = await inspectModel(memoryFolder(files), { registry: createRegistry({}) });
    expect(inspection).toMatchObject({ quantMethod: 'awq', quantizationSource: 'quantize_config.json' });

    const method: QuantizationMethod = {
      specificationVersion: 'v1',
      name: 'beside',
      match: { files: [{ name: 'beside_*.json', keys: [], overrides: true }] },
      variants: [],
      parseConfig: () => ({ settings: { bits: 8 }, warnings: ['an odd field'] }) as unknown as QuantizationConfig,
    };
    const config = { ...tinyConfig, quantization_config: { quant_method: 'awq', bits: 4 } };
    const both = memoryFolder({ 'config.json': config, 'beside_w8a8.json': {} });
    expect(await inspectModel(both, { registry: createRegistry({ methods: [method] }) })).toMatchObject({
      quantMethod: 'beside',
      quantizationSource: 'beside_w8a8.json',
      settings: { bits: 8 },
      notes: ['an odd field'],
    });
    expect(await inspectModel(memoryFolder(), { registry: createRegistry({}) })).toMatchObject({
      quantMethod: undefined,
      quantizationSource: undefined,
      notes: [],
    });
  });
});
