/// <reference types="@webgpu/types" />
import type { Refusal } from '@lowbit/core';
import { describeAdapter, isSoftware } from './adapter-info.ts';
import type { FoundGpu } from './find-gpu.ts';
import { listAdapters, type NamedAdapter, powerPreferences } from './list-adapters.ts';

export type AdapterKind = 'hardware' | 'software';

export interface WantedAdapter {
  readonly kind: AdapterKind;
  /** Part of its name, in any case; or a power preference. */
  readonly name?: string | undefined;
}

type Chosen = Pick<NamedAdapter, 'gpu' | 'adapter'> | { readonly refusal: Omit<Refusal, 'by'> };

export async function chooseAdapter(found: FoundGpu, wanted: WantedAdapter): Promise<Chosen> {
  const { kind, name } = wanted;
  const preference = powerPreferences.find((one) => one === name);
  return name === undefined || preference
    ? chooseByPreference(found, kind, preference)
    : chooseByName(found, kind, name);
}

/** A system may have both kinds; whichever comes first is not always what was wanted. */
async function chooseByPreference(
  found: FoundGpu,
  kind: AdapterKind,
  powerPreference: GPUPowerPreference = 'high-performance',
): Promise<Chosen> {
  const options: readonly GPURequestAdapterOptions[] =
    kind === 'software' ? [{ forceFallbackAdapter: true }, {}] : [{ powerPreference }];
  let other: GPUAdapter | undefined;
  for (const option of options) {
    const adapter = await found.gpu.requestAdapter(option).catch(() => null);
    if (adapter && isOfKind(adapter, kind)) return { gpu: found.gpu, adapter };
    other = adapter ?? other;
  }
  if (other === undefined) {
    const hint = "install the GPU vendor's driver; on Linux with Vulkan and its loader, libvulkan1";
    const message = 'no WebGPU adapter: the system offers no GPU driver that fits';
    return { refusal: { code: 'NO_ADAPTER', message, hint } };
  }
  const listed = found.dawn ? await listAdapters(found) : [];
  return listed.find(({ adapter }) => isOfKind(adapter, kind)) ?? { refusal: refuseKind(other) };
}

async function chooseByName(found: FoundGpu, kind: AdapterKind, name: string): Promise<Chosen> {
  const listed = (await listAdapters(found)).filter(({ adapter }) => isOfKind(adapter, kind));
  const matching = listed.filter((one) => one.name.toLowerCase().includes(name.toLowerCase()));
  const exact = matching.filter((one) => one.name === name);
  const [chosen, ...others] = exact.length > 0 ? exact : matching;
  const names = (adapters: readonly NamedAdapter[]) => adapters.map((one) => one.name).join('; ');
  if (!chosen) {
    const message = `no ${kind} adapter has ${JSON.stringify(name)} in its name; there are: ${names(listed) || 'none'}`;
    return { refusal: { code: 'ADAPTER_NAME', message } };
  }
  if (others.length === 0) return chosen;
  const message = `several adapters have ${JSON.stringify(name)} in their names: ${names(matching)}`;
  return { refusal: { code: 'ADAPTER_NAME', message, hint: 'write more of the name' } };
}

function isOfKind({ info }: GPUAdapter, kind: AdapterKind): boolean {
  return isSoftware(info) === (kind === 'software');
}

/** There is an adapter of the other kind. */
function refuseKind({ info }: GPUAdapter): Omit<Refusal, 'by'> {
  if (!isSoftware(info)) return { code: 'HARDWARE_ADAPTER', message: `the adapter is a GPU, ${describeAdapter(info)}` };
  return {
    code: 'SOFTWARE_ADAPTER',
    message: `only a software adapter, ${describeAdapter(info)}, which is slower than the CPU backends`,
    hint: 'to use it all the same, name it: webgpu:software',
  };
}
