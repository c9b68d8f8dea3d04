/// <reference types="@webgpu/types" />
import { describe, expect, it } from 'vitest';
import { type AdapterKind, chooseAdapter } from './choose-adapter.ts';
import type { Dawn } from './find-gpu.ts';

interface Made {
  readonly api: string;
  readonly name: string;
  readonly software?: boolean;
}

const h100 = { api: 'vulkan', name: 'NVIDIA H100 80GB HBM3' };
const laptop = [
  { api: 'opengl', name: 'Intel(R) Iris' },
  { api: 'null', name: 'Null backend' },
  { api: 'vulkan', name: 'Intel(R) Iris' },
  { api: 'vulkan', name: 'GeForce' },
  { api: 'vulkan', name: 'SwiftShader Device', software: true },
];

/** Chooses by options and tells what there is in an error, as Dawn 0.6.2 was seen to do. */
function dawnWith(adapters: readonly Made[]): Dawn {
  return {
    create(options) {
      const option = (key: string) => options.find((one) => one.startsWith(`${key}=`))?.slice(key.length + 1);
      const [api, name] = [option('backend'), option('adapter')];
      const fitting = adapters.filter(
        (one) => (api === undefined || one.api === api) && (name === undefined || one.name.includes(name)),
      );
      const requestAdapter = async (wanted: GPURequestAdapterOptions = {}) => {
        const [first] = fitting.filter((one) => !wanted.forceFallbackAdapter || one.software);
        if (first) return { info: infoOf(first), chosenBy: options, options: wanted };
        if (fitting.length > 0) return null;
        const lines = adapters.map((one) => ` * backend: '${one.api}', name: '${one.name}'\n`);
        throw new Error(`no suitable backends found\nAvailable adapters:\n${lines.join('')}`);
      };
      return { requestAdapter } as unknown as GPU;
    },
  };
}

function infoOf({ name, software = false }: Made) {
  return { vendor: 'acme', architecture: 'a1', device: name, description: '', isFallbackAdapter: software };
}

function choose(adapters: readonly Made[], kind: AdapterKind, name?: string) {
  const dawn = dawnWith(adapters);
  return chooseAdapter({ gpu: dawn.create([]), dawn }, { kind, name });
}

describe('chooseAdapter', () => {
  it('takes the first by power preference', async () => {
    expect(await choose([h100], 'hardware')).toMatchObject({
      adapter: { info: { device: h100.name }, options: { powerPreference: 'high-performance' } },
    });
    expect(await choose([h100], 'hardware', 'low-power')).toMatchObject({
      adapter: { options: { powerPreference: 'low-power' } },
    });
  });

  it('looks past an adapter of the other kind', async () => {
    const [software, ...rest] = [...laptop].reverse();
    expect(await choose([software!, ...rest], 'hardware')).toMatchObject({ adapter: { info: { device: 'GeForce' } } });
    expect(await choose(laptop, 'software')).toMatchObject({ adapter: { info: { device: 'SwiftShader Device' } } });
  });

  it('takes the one of a name, under the best of its APIs', async () => {
    expect(await choose(laptop, 'hardware', 'iris')).toMatchObject({
      adapter: { info: { device: 'Intel(R) Iris' }, chosenBy: ['backend=vulkan', 'adapter=Intel(R) Iris'] },
    });
  });

  it('says which names there are', async () => {
    expect(await choose(laptop, 'hardware', 'radeon')).toEqual({
      refusal: {
        code: 'ADAPTER_NAME',
        message: 'no hardware adapter has "radeon" in its name; there are: Intel(R) Iris; GeForce',
      },
    });
    expect(await choose([], 'software', 'x')).toMatchObject({
      refusal: { message: 'no software adapter has "x" in its name; there are: none' },
    });
  });

  it('wants a name that is one only, unless it is the whole name', async () => {
    const two = [h100, { ...h100, name: `${h100.name} MIG` }];
    expect(await choose(two, 'hardware', 'H100')).toEqual({
      refusal: {
        code: 'ADAPTER_NAME',
        message: 'several adapters have "H100" in their names: NVIDIA H100 80GB HBM3; NVIDIA H100 80GB HBM3 MIG',
        hint: 'write more of the name',
      },
    });
    expect(await choose(two, 'hardware', h100.name)).toMatchObject({ adapter: { info: { device: h100.name } } });
  });

  it('knows no names in a browser but the power preferences', async () => {
    const requestAdapter = async ({ powerPreference }: GPURequestAdapterOptions = {}) => ({
      info: { ...infoOf(h100), device: '', architecture: powerPreference === 'low-power' ? 'small' : 'large' },
    });
    const gpu = { requestAdapter } as unknown as GPU;
    expect(await chooseAdapter({ gpu }, { kind: 'hardware', name: 'low-power' })).toMatchObject({
      adapter: { info: { architecture: 'small' } },
    });
    expect(await chooseAdapter({ gpu }, { kind: 'hardware', name: 'H100' })).toMatchObject({
      refusal: { message: 'no hardware adapter has "H100" in its name; there are: high-performance; low-power' },
    });
  });
});
