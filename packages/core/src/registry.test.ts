import { describe, expect, it, vi } from 'vitest';
import type { Backend } from './backend.ts';
import type { MethodMatch, QuantizationMethod } from './method.ts';
import { createRegistry, findMethod, type LazyMethod, quantMethodOf } from './registry.ts';

function method(name: string, match: MethodMatch = {}): QuantizationMethod {
  return {
    specificationVersion: 'v1',
    name,
    match,
    variants: [],
    parseConfig: () => {
      throw new Error('not called');
    },
  };
}

function lazy(name: string, load: () => Promise<unknown>, from = `lowbit-${name}`): LazyMethod {
  return { name, match: {}, from, load: load as LazyMethod['load'] };
}

function backend(name: string, deviceKind: string): Backend {
  return {
    specificationVersion: 'v1',
    name,
    deviceKind,
    kernels: { linear: [], moe: [], embedding: [], kvCache: [] },
    probe: async () => ({ kind: 'ready', device: { kind: deviceKind, name } }),
    compile: () => Promise.reject(new Error('not called')),
  };
}

describe('createRegistry', () => {
  it('loads a lazy method once, on first use', async () => {
    const plugin = method('awq');
    const load = vi.fn(async () => plugin);
    const registry = createRegistry({ methods: [lazy('awq', load)] });
    expect(load).not.toHaveBeenCalled();
    const [entry] = registry.methods;
    expect(await entry?.load()).toBe(plugin);
    expect(await entry?.load()).toBe(plugin);
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('takes plugin objects as they are', async () => {
    const plugin = method('awq', { quantMethod: ['awq'] });
    const [entry] = createRegistry({ methods: [plugin] }).methods;
    expect(entry).toMatchObject({ name: 'awq', match: { quantMethod: ['awq'] } });
    expect(await entry?.load()).toBe(plugin);
  });

  it.each([
    ['a later version', { ...method('awq'), specificationVersion: 'v2' }, '"v2"'],
    ['no plugin at all', undefined, 'null'],
  ])('refuses %s', async (_, plugin, found) => {
    const [entry] = createRegistry({ methods: [lazy('awq', async () => plugin)] }).methods;
    await expect(entry?.load()).rejects.toMatchObject({
      code: 'PLUGIN_VERSION',
      message: `lowbit-awq: expected a plugin with specificationVersion 'v1', found ${found}\nInstall versions of lowbit-awq and of lowbit that belong together.`,
    });
  });

  it('checks the version of plugin objects too', async () => {
    const plugin = { ...method('awq'), specificationVersion: 'v2' } as unknown as QuantizationMethod;
    const [entry] = createRegistry({ methods: [plugin] }).methods;
    await expect(entry?.load()).rejects.toMatchObject({ code: 'PLUGIN_VERSION' });
  });

  it('names both providers of one method', () => {
    const methods = [lazy('awq', async () => method('awq'), 'one'), lazy('awq', async () => method('awq'), 'two')];
    expect(() => createRegistry({ methods })).toThrow(
      'two plugins provide the method "awq": one and two\nKeep one of them.',
    );
  });

  it('takes backends of one name for different kinds of device, but not for one', () => {
    expect(() => createRegistry({ backends: [backend('native', 'cpu'), backend('native', 'cuda')] })).not.toThrow();
    expect(() => createRegistry({ backends: [backend('native', 'cpu'), backend('native', 'cpu')] })).toThrow(
      'two plugins provide the backend "cpu:native": native and native',
    );
  });
});

describe('findMethod', () => {
  const files = [{ name: 'quant_config.json', keys: ['w_bit', 'q_group_size'] }];
  const registry = createRegistry({
    methods: [method('awq', { quantMethod: ['awq'], files }), method('gptq', { quantMethod: ['gptq'] })],
  });
  const find = (config: object, sideFiles: Record<string, object> = {}) =>
    findMethod(registry, {
      config: config as Record<string, unknown>,
      sideFiles: new Map(Object.entries(sideFiles)) as ReadonlyMap<string, Record<string, unknown>>,
    })?.name;

  it.each([
    ['top level', { quantization_config: { quant_method: 'awq' } }, 'awq'],
    ['any case', { quantization_config: { quant_method: 'AWQ' } }, 'awq'],
    ['text_config', { text_config: { quantization_config: { quant_method: 'gptq' } } }, 'gptq'],
    ['compression_config', { compression_config: { quant_method: 'gptq' } }, 'gptq'],
    ['a method nobody has', { quantization_config: { quant_method: 'hqq' } }, undefined],
    ['nothing', {}, undefined],
  ])('by quant_method: %s', (_, config, expected) => {
    expect(find(config)).toBe(expected);
  });

  it.each([
    ['all keys', { w_bit: 4, q_group_size: 128 }, 'awq'],
    ['a key missing', { w_bit: 4 }, undefined],
    ['the file names the method', { quant_method: 'awq' }, 'awq'],
    ['the file names another', { quant_method: 'gptq', w_bit: 4, q_group_size: 128 }, undefined],
  ])('by file: %s', (_, file, expected) => {
    expect(find({}, { 'quant_config.json': file })).toBe(expected);
    expect(find({}, { 'other.json': file })).toBeUndefined();
  });

  it('by settings that say more than quant_method, before a plain match', () => {
    const { methods } = createRegistry({
      methods: [
        method('plain', { quantMethod: ['fp8'] }),
        method('exported', { configs: [{ quantMethod: 'FP8', keys: ['export'] }] }),
        method('packed', { configs: [{ quantMethod: 'auto-round', values: { packing_format: ['a:gptq', 'a:b'] } }] }),
      ],
    });
    const name = (quantization_config: Record<string, unknown>) =>
      findMethod({ methods, backends: [] }, { config: { quantization_config }, sideFiles: new Map() })?.name;
    expect(name({ quant_method: 'fp8' })).toBe('plain');
    expect(name({ quant_method: 'fp8', export: {} })).toBe('exported');
    expect(name({ quant_method: 'auto-round', packing_format: 'a:gptq' })).toBe('packed');
    expect(name({ quant_method: 'auto-round', packing_format: 'a:awq' })).toBeUndefined();
  });

  it('by a file that overrides, its name a pattern', () => {
    const files = [{ name: 'quant_description*.json', keys: ['version'], overrides: true }] as const;
    const { methods } = createRegistry({
      methods: [method('awq', { quantMethod: ['awq'] }), method('described', { files })],
    });
    const config = { quantization_config: { quant_method: 'awq' } };
    const name = (file: string) =>
      findMethod({ methods, backends: [] }, { config, sideFiles: new Map([[file, { version: '1' }]]) })?.name;
    expect(name('quant_description.json')).toBe('described');
    expect(name('quant_description_w8a8.json')).toBe('described');
    expect(name('other.json')).toBe('awq');
  });

  it('believes config.json before a file beside it', () => {
    const config = { quantization_config: { quant_method: 'gptq' } };
    expect(find(config, { 'quant_config.json': { w_bit: 4, q_group_size: 128 } })).toBe('gptq');
  });
});

describe('quantMethodOf', () => {
  it('reads strings only', () => {
    expect(quantMethodOf({ quant_method: 'GPTQ' })).toBe('gptq');
    expect(quantMethodOf({ quant_method: 4 })).toBeUndefined();
    expect(quantMethodOf({})).toBeUndefined();
  });
});
