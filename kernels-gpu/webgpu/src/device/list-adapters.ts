/// <reference types="@webgpu/types" />
import type { Dawn, FoundGpu } from './find-gpu.ts';

/** An adapter, and the GPU object that it came from. */
export interface NamedAdapter {
  readonly name: string;
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
}

/** What a browser lets a page choose by. */
export const powerPreferences: readonly GPUPowerPreference[] = ['high-performance', 'low-power'];

/**
 * Every adapter there is. A browser tells those that it takes by power preference, under the name of the preference; where
 * both are the same, once.
 */
export function listAdapters({ gpu, dawn }: FoundGpu): Promise<readonly NamedAdapter[]> {
  return dawn ? listOfDawn(dawn) : listOfBrowser(gpu);
}

async function listOfBrowser(gpu: GPU): Promise<readonly NamedAdapter[]> {
  const adapters: NamedAdapter[] = [];
  for (const name of powerPreferences) {
    const adapter = await gpu.requestAdapter({ powerPreference: name }).catch(() => null);
    if (adapter) adapters.push({ name, gpu, adapter });
  }
  const distinct = new Set(
    adapters.map(({ adapter: { info } }) => `${info.vendor} ${info.architecture} ${info.device}`),
  );
  return adapters.slice(0, distinct.size);
}

/** APIs under which Dawn lists one adapter several times, the best first. Others, such as its null device, are no GPUs. */
const apis = ['d3d12', 'metal', 'vulkan', 'd3d11', 'opengl', 'opengles'];

/** Dawn lists its adapters in the error for a name that none has, ` * backend: 'vulkan', name: 'NVIDIA H100 80GB HBM3'`. */
async function listOfDawn(dawn: Dawn): Promise<readonly NamedAdapter[]> {
  const message = await dawn
    .create(['adapter=a name that no adapter has'])
    .requestAdapter()
    .then(
      () => '',
      (error: Error) => error.message,
    );
  const listed = [...message.matchAll(/^ *\* backend: '([^']*)', name: '(.*)'$/gm)]
    .map(([, api = '', name = '']) => ({ api, name }))
    .filter(({ api }) => apis.includes(api))
    .sort((a, b) => apis.indexOf(a.api) - apis.indexOf(b.api));
  const adapters = new Map<string, NamedAdapter>();
  for (const { api, name } of listed) {
    if (adapters.has(name)) continue;
    const gpu = dawn.create([`backend=${api}`, `adapter=${name}`]);
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
    if (adapter) adapters.set(name, { name, gpu, adapter });
  }
  return [...adapters.values()];
}
